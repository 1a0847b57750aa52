//! What keys do: wrap, unwrap, encrypt, decrypt, sign, verify.
//!
//! Rights and state are checked before the arithmetic and once more in the transaction that writes the audit
//! line: in the log no success stands behind the change that ended it. The result is handed out after that
//! line is durable.

use zeroize::Zeroizing;

use crate::access::{Access, AccessToken, Principal};
use crate::algorithms::{EncryptionAlgorithm, SignatureAlgorithm};
use crate::audit::{self, AuditOperation, AuditResult};
use crate::error::VaultError;
use crate::ids::{KeyId, KeyReference};
use crate::jwk::PublicKey;
use crate::keys::active_version;
use crate::permissions::KeyOperation;
use crate::provider::{KeyProvider, PrivateMaterial};
use crate::records::VersionRecord;
use crate::rooms::Read;
use crate::store::{Call, Event, VaultStore};

/// A result together with the version that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Produced<T> {
    /// The version that was used.
    pub key: KeyId,
    /// The result.
    pub value: T,
}

/// A version that may be used for one operation.
struct Usable<'a> {
    store: &'a VaultStore,
    version: VersionRecord,
    provider: &'a dyn KeyProvider,
}

impl VaultStore {
    /// Wraps a key of somebody else's under the version named, or the current one.
    ///
    /// # Errors
    /// [`VaultError::AccessDenied`], [`VaultError::KeyNotFound`], [`VaultError::KeyDisabled`],
    /// [`VaultError::KeyExpired`], [`VaultError::KeyNotYetValid`], [`VaultError::KeyOperationForbidden`], and
    /// [`VaultError::Provider`] for a plaintext that is too long.
    pub fn wrap_key(
        &self,
        token: &AccessToken,
        key: &KeyReference,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
    ) -> Result<Produced<Vec<u8>>, VaultError> {
        self.operate(token, key, KeyOperation::WrapKey, |usable| {
            Ok(usable.provider.wrap(&usable.public()?, algorithm, plaintext)?)
        })
    }

    /// Unwraps a key that was wrapped under the version named, or the current one. Works after expiry.
    ///
    /// # Errors
    /// As [`wrap_key`](Self::wrap_key), but neither `KeyExpired` nor `KeyNotYetValid`.
    pub fn unwrap_key(
        &self,
        token: &AccessToken,
        key: &KeyReference,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<Produced<Zeroizing<Vec<u8>>>, VaultError> {
        self.operate(token, key, KeyOperation::UnwrapKey, |usable| {
            Ok(usable
                .provider
                .unwrap(&usable.private()?, algorithm, ciphertext)?)
        })
    }

    /// Encrypts a short plaintext.
    ///
    /// # Errors
    /// As [`wrap_key`](Self::wrap_key).
    pub fn encrypt(
        &self,
        token: &AccessToken,
        key: &KeyReference,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
    ) -> Result<Produced<Vec<u8>>, VaultError> {
        self.operate(token, key, KeyOperation::Encrypt, |usable| {
            Ok(usable.provider.encrypt(&usable.public()?, algorithm, plaintext)?)
        })
    }

    /// Decrypts what [`encrypt`](Self::encrypt) made. Works after expiry.
    ///
    /// # Errors
    /// As [`unwrap_key`](Self::unwrap_key).
    pub fn decrypt(
        &self,
        token: &AccessToken,
        key: &KeyReference,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<Produced<Zeroizing<Vec<u8>>>, VaultError> {
        self.operate(token, key, KeyOperation::Decrypt, |usable| {
            Ok(usable
                .provider
                .decrypt(&usable.private()?, algorithm, ciphertext)?)
        })
    }

    /// Signs a digest.
    ///
    /// # Errors
    /// As [`wrap_key`](Self::wrap_key).
    pub fn sign(
        &self,
        token: &AccessToken,
        key: &KeyReference,
        algorithm: SignatureAlgorithm,
        digest: &[u8],
    ) -> Result<Produced<Vec<u8>>, VaultError> {
        self.operate(token, key, KeyOperation::Sign, |usable| {
            Ok(usable.provider.sign(&usable.private()?, algorithm, digest)?)
        })
    }

    /// Whether `signature` over `digest` was made with this version. Works after expiry.
    ///
    /// # Errors
    /// As [`unwrap_key`](Self::unwrap_key); a wrong signature is no error but `false`.
    pub fn verify(
        &self,
        token: &AccessToken,
        key: &KeyReference,
        algorithm: SignatureAlgorithm,
        (digest, signature): (&[u8], &[u8]),
    ) -> Result<Produced<bool>, VaultError> {
        self.operate(token, key, KeyOperation::Verify, |usable| {
            Ok(usable
                .provider
                .verify(&usable.public()?, algorithm, digest, signature)?)
        })
    }

    fn operate<T>(
        &self,
        token: &AccessToken,
        key: &KeyReference,
        operation: KeyOperation,
        work: impl FnOnce(&Usable<'_>) -> Result<T, VaultError>,
    ) -> Result<Produced<T>, VaultError> {
        let event = Event {
            operation: audit_operation(operation),
            vault: key.vault.name().clone(),
            target: key.to_string(),
        };
        self.attempt(token, event, |store, mut call, principal| {
            let version = usable(&store.tree, &store.access, (&call, &principal), (key, operation))?;
            let provider = store
                .providers
                .get(version.kty.into())
                .ok_or(VaultError::HsmUnavailable)?;
            let usable = Usable {
                store,
                version,
                provider: provider.as_ref(),
            };
            let value = work(&usable)?;
            let id = KeyId {
                vault: key.vault.clone(),
                name: key.name.clone(),
                version: usable.version.version,
            };
            call.event.target = id.to_string();
            store.record_use(call, principal, &id, operation)?;
            Ok(Produced { key: id, value })
        })
    }

    /// Checks once more and writes the audit line, in one transaction.
    fn record_use(
        &self,
        call: Call,
        principal: Principal,
        id: &KeyId,
        operation: KeyOperation,
    ) -> Result<(), VaultError> {
        let access = self.access.clone();
        let ended = self.clock.now();
        let key = id.reference();
        self.tree.transact(move |txn| {
            usable(txn, &access, (&call, &principal), (&key, operation))?;
            audit::append(txn, &call.event.vault, call.record(AuditResult::Success, ended))
        })
    }
}

impl Usable<'_> {
    fn public(&self) -> Result<PublicKey, VaultError> {
        Ok(PublicKey::new(&self.version.n, &self.version.e)?)
    }

    fn private(&self) -> Result<PrivateMaterial, VaultError> {
        let material = self
            .store
            .files
            .open_private(self.version.file, &self.version.private)?;
        material.ok_or_else(|| VaultError::KeyDestroyed {
            version: self.version.version.to_string(),
        })
    }
}

/// The version, if this caller may use it for this operation now.
fn usable(
    read: &impl Read,
    access: &Access,
    (call, principal): (&Call, &Principal),
    (key, operation): (&KeyReference, KeyOperation),
) -> Result<VersionRecord, VaultError> {
    let vault = access.authorize(read, principal, &call.event.vault, operation.permission())?;
    let (_, version) = active_version(read, &vault, &key.name, key.version)?;
    let operation_name = operation.as_str();
    if !version.enabled {
        return Err(VaultError::KeyDisabled {
            operation: operation_name,
        });
    }
    if !operation.survives_expiry() {
        if version.not_before.is_some_and(|not_before| call.now < not_before) {
            return Err(VaultError::KeyNotYetValid {
                operation: operation_name,
            });
        }
        if version.expires.is_some_and(|expires| call.now >= expires) {
            return Err(VaultError::KeyExpired {
                operation: operation_name,
            });
        }
    }
    if !version.operations.contains(operation) {
        return Err(VaultError::KeyOperationForbidden {
            operation: operation_name,
        });
    }
    Ok(version)
}

fn audit_operation(operation: KeyOperation) -> AuditOperation {
    match operation {
        KeyOperation::Encrypt => AuditOperation::KeyEncrypt,
        KeyOperation::Decrypt => AuditOperation::KeyDecrypt,
        KeyOperation::Sign => AuditOperation::KeySign,
        KeyOperation::Verify => AuditOperation::KeyVerify,
        KeyOperation::WrapKey => AuditOperation::KeyWrap,
        KeyOperation::UnwrapKey => AuditOperation::KeyUnwrap,
    }
}
