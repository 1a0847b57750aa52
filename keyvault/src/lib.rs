//! An embedded key vault: versioned RSA keys, access policies, soft delete, signed tokens and an audit chain.
//!
//! One [`VaultStore`] holds the vaults of an installation, its directory of identities and its audit log, in
//! one sealed tree. Every call proves its caller with an [`AccessToken`]; rights and state are checked in the
//! same commit that changes records and writes the audit line. An account sees a vault as a [`KeyService`]
//! and keeps what it unwrapped only as long as the [`Epoch`] stands still.
//!
//! ```
//! use std::sync::Arc;
//! use strongroom_engine::engine::memory::MemoryEngine;
//! use strongroom_engine::keys::RootKey;
//! use strongroom_engine::{SystemClock, SystemEntropy};
//! use strongroom_keyvault::{
//!     AccessPolicy, Directory, EncryptionAlgorithm, KeyPermissions, KeyService, NewKeyOptions, NewVault,
//!     Providers, SoftwareProvider, VaultStore, VaultStoreParts,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let store = VaultStore::open(VaultStoreParts {
//!     last_commit: None,
//!     engine: Box::new(MemoryEngine::new()),
//!     dir: folder.path().to_path_buf(),
//!     root: RootKey::generate(&SystemEntropy)?,
//!     clock: Arc::new(SystemClock),
//!     entropy: Arc::new(SystemEntropy),
//!     providers: Providers::software(Arc::new(SoftwareProvider)),
//! })?;
//! let owner = store.owner_token()?;
//! let (vault, tenant) = ("my-vault".parse()?, store.default_tenant());
//! store.create_vault(&owner, NewVault::new("my-vault".parse()?, tenant, "westus".parse()?))?;
//! let key = store.create_key(&owner, &vault, &"my-key".parse()?, NewKeyOptions::default())?;
//!
//! // An account gets an identity, the identity gets three permissions.
//! let identity = store.create_system_identity(tenant, "my account")?;
//! let keys = KeyPermissions::parse(["get", "wrapKey", "unwrapKey"])?;
//! let object_id = identity.principal_id;
//! store.set_policy(&owner, &vault, AccessPolicy { object_id, keys })?;
//!
//! let token = store.token_for(&identity)?;
//! let wrapped = store.wrap(&token, &key.id, EncryptionAlgorithm::RsaOaep256, b"root key")?;
//! let opened = store.unwrap(&token, &key.id, EncryptionAlgorithm::RsaOaep256, &wrapped)?;
//! assert_eq!(opened.as_slice(), b"root key");
//!
//! // Revoked: from the moment this returns.
//! store.delete_policy(&owner, &vault, object_id)?;
//! assert!(store.unwrap(&token, &key.id, EncryptionAlgorithm::RsaOaep256, &wrapped).is_err());
//! # Ok(())
//! # }
//! ```

mod access;
mod algorithms;
mod audit;
mod backup;
mod convert;
mod copy;
mod crypto;
mod directory;
mod duration;
mod epoch;
mod error;
#[cfg(any(test, feature = "testing"))]
pub mod fuzzing;
mod ids;
mod import;
mod jwk;
mod keys;
mod permissions;
mod provider;
mod records;
mod recovery;
mod refusals;
mod rooms;
mod rotation;
mod rotation_policy;
mod rsa;
mod service;
mod side_files;
mod state;
mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod token;
mod vaults;
pub mod view;

pub use access::{AccessToken, TOKEN_SECONDS};
pub use algorithms::{EncryptionAlgorithm, SignatureAlgorithm, UnknownAlgorithm};
pub use audit::{AuditLine, AuditOperation, AuditRecord, AuditResult, AuditVerdict};
pub use backup::KeyBackup;
pub use copy::VaultPin;
pub use crypto::Produced;
pub use directory::{Directory, Identity};
pub use duration::{CalendarDuration, DurationError};
pub use epoch::{AccessWatcher, Epoch};
pub use error::{AccessDenied, VaultError};
pub use ids::{
    KeyId, KeyName, KeyReference, KeyVersion, ObjectId, Region, TenantId, VAULT_SUFFIX, VaultName, VaultUri,
};
pub use import::{ImportError, import_der, import_jwk, import_key, import_pem, import_public_key};
pub use jwk::PublicKey;
pub use keys::{KeyAttributes, KeyBundle, KeyItem, KeyUpdate, NewKeyOptions, TAG_CHARS_MAX, TAGS_MAX};
pub use permissions::{KeyOperation, KeyOperations, KeyPermission, KeyPermissions};
pub use provider::{
    KeyProvider, KeySize, KeyType, NewKey, PrivateMaterial, ProviderError, Providers, UnknownKeyType,
    UnsupportedKeySize,
};
pub use records::{IdentityKind, Tags};
pub use recovery::DeletedKey;
pub use rotation::KeyRotationPolicy;
pub use rotation_policy::{PolicyError, PolicyJsonError, RotationAction, RotationPolicy, Trigger, due};
pub use rsa::SoftwareProvider;
pub use service::KeyService;
pub use state::{Deletion, Life, LifeError, Purged, RETENTION_DAYS_MAX, RETENTION_DAYS_MIN, Retention};
pub use store::{VaultStore, VaultStoreParts};
pub use vaults::{AccessPolicy, DeletedVault, NewVault, POLICIES_MAX, VaultProperties, VaultUpdate};
