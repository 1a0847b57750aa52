//! Who is calling: tokens are issued to identities of the directory and checked on every call.
//!
//! A signature is checked once for the same token bytes; expiry and the directory are checked on every call, so a
//! removed identity is refused at once, whatever its token says.

use std::collections::HashMap;

use parking_lot::Mutex;
use strongroom_engine::Timestamp;
use zeroize::Zeroizing;

use crate::error::{AccessDenied, VaultError};
use crate::ids::{ObjectId, TenantId, VaultName};
use crate::permissions::KeyPermission;
use crate::records::{IdentityKind, IdentityRecord, VaultRecord};
use crate::rooms::{IDENTITIES, POLICIES, Read, VAULTS};
use crate::state::Life;
use crate::token::{AccessToken, Claims, TokenSigner};

/// The audience of every token.
pub const AUDIENCE: &str = "https://vault.azure.net";

/// A caller whose token was valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Principal {
    pub(crate) object_id: ObjectId,
    pub(crate) tenant: TenantId,
    pub(crate) app_id: [u8; 16],
}

/// Issues tokens and knows the owner.
pub(crate) struct Access {
    signer: TokenSigner,
    owner: ObjectId,
    verified: Mutex<HashMap<Vec<u8>, Claims>>,
}

impl Access {
    pub(crate) fn new(signer: TokenSigner, owner: ObjectId) -> Self {
        Self {
            signer,
            owner,
            verified: Mutex::new(HashMap::new()),
        }
    }

    pub(crate) fn owner(&self) -> ObjectId {
        self.owner
    }

    /// A token for `identity` that ends an hour after `now`.
    pub(crate) fn issue(&self, identity: &IdentityRecord, now: Timestamp) -> Result<AccessToken, VaultError> {
        self.signer.issue(&Claims {
            object_id: identity.object_id,
            tenant: identity.tenant,
            app_id: identity.client_id,
            audience: AUDIENCE.to_owned(),
            not_before: now,
            expires: now.plus(TOKEN_LIFETIME),
        })
    }

    /// Who the token says is calling.
    pub(crate) fn authenticate(&self, token: &AccessToken, now: Timestamp) -> Result<Principal, VaultError> {
        let claims = self.claims(token)?;
        if claims.audience.trim_end_matches('/') != AUDIENCE {
            let found = crate::ids::cut(&claims.audience);
            return Err(unauthorized(format!(
                "AKV10022: Invalid audience. Expected {AUDIENCE}, found: {found}."
            )));
        }
        if now < claims.not_before || now >= claims.expires {
            return Err(unauthorized("Lifetime validation failed. The token is expired or not yet valid."));
        }
        Ok(Principal {
            object_id: claims.object_id,
            tenant: claims.tenant,
            app_id: claims.app_id,
        })
    }

    fn claims(&self, token: &AccessToken) -> Result<Claims, VaultError> {
        let known = self.verified.lock().get(token.as_bytes()).cloned();
        if let Some(claims) = known {
            return Ok(claims);
        }
        let claims = self.signer.verify(token)?;
        let mut verified = self.verified.lock();
        if verified.len() >= VERIFIED_MAX {
            verified.clear();
        }
        verified.insert(token.as_bytes().to_vec(), claims.clone());
        Ok(claims)
    }

    /// The vault, if `principal` may do something with its keys.
    pub(crate) fn authorize(
        &self,
        read: &impl Read,
        principal: &Principal,
        vault: &VaultName,
        permission: KeyPermission,
    ) -> Result<VaultRecord, VaultError> {
        let record = self.enter(read, principal, vault)?;
        let policy = POLICIES.get(read, &(record.id, principal.object_id))?;
        if policy.is_some_and(|policy| policy.keys.contains(permission)) {
            Ok(record)
        } else {
            Err(denied(principal, &record, permission.as_str()))
        }
    }

    /// The vault in use, if `principal` belongs to its tenant.
    fn enter(&self, read: &impl Read, principal: &Principal, vault: &VaultName) -> Result<VaultRecord, VaultError> {
        self.check_directory(read, principal)?;
        let record = active_vault(read, vault)?;
        // The owner of the installation is a guest in all of its tenants.
        if record.tenant != principal.tenant && principal.object_id != self.owner {
            return Err(unauthorized(format!(
                "AKV10032: Invalid issuer. Expected one of {}, found {}.",
                issuer(record.tenant),
                issuer(principal.tenant)
            )));
        }
        Ok(record)
    }

    /// Refuses everybody but the owner of the installation.
    pub(crate) fn authorize_owner(
        &self,
        read: &impl Read,
        principal: &Principal,
        vault: &VaultName,
    ) -> Result<(), VaultError> {
        self.check_directory(read, principal)?;
        if principal.object_id == self.owner {
            return Ok(());
        }
        Err(VaultError::NotOwner {
            object_id: principal.object_id.to_string(),
            vault: vault.to_string(),
        })
    }

    fn check_directory(&self, read: &impl Read, principal: &Principal) -> Result<(), VaultError> {
        match IDENTITIES.get(read, &principal.object_id)? {
            Some(identity) if identity.tenant == principal.tenant => Ok(()),
            _ => Err(unauthorized(format!(
                "The identity {} is not in the directory of tenant {} any more.",
                principal.object_id, principal.tenant
            ))),
        }
    }
}

/// The vault of that name, unless it is deleted.
pub(crate) fn active_vault(read: &impl Read, vault: &VaultName) -> Result<VaultRecord, VaultError> {
    match VAULTS.get(read, vault)? {
        Some(record) if record.life == Life::Active => Ok(record),
        _ => Err(VaultError::VaultNotFound {
            name: vault.to_string(),
        }),
    }
}

/// The `iss` claim of a tenant's tokens.
pub(crate) fn issuer(tenant: TenantId) -> String {
    format!("https://sts.windows.net/{tenant}/")
}

/// What an identity is called in lists.
pub(crate) fn kind_name(kind: &IdentityKind) -> &'static str {
    match kind {
        IdentityKind::Owner => "Owner",
        IdentityKind::System { .. } => "SystemAssigned",
        IdentityKind::User { .. } => "UserAssigned",
    }
}

fn denied(principal: &Principal, vault: &VaultRecord, permission: &str) -> VaultError {
    VaultError::AccessDenied(Box::new(AccessDenied {
        permission: permission.to_owned(),
        vault: vault.name.clone(),
        location: vault.region.to_string(),
        app_id: uuid::Uuid::from_bytes(principal.app_id).to_string(),
        object_id: principal.object_id.to_string(),
        issuer: issuer(principal.tenant),
    }))
}

fn unauthorized(message: impl Into<String>) -> VaultError {
    VaultError::Unauthorized {
        message: message.into(),
    }
}

/// How long a token is good for.
pub const TOKEN_LIFETIME: std::time::Duration = std::time::Duration::from_secs(3600);
/// Tokens whose signature was checked and that are remembered.
const VERIFIED_MAX: usize = 1024;

/// The key that signs tokens, wiped with the store.
pub(crate) fn signer(key: &[u8; 32]) -> TokenSigner {
    TokenSigner::new(Zeroizing::new(*key))
}
