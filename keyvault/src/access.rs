//! Who is calling: tokens are issued to identities of the directory and checked on every call.
//!
//! A signature is checked once for the same token bytes; expiry and the directory are checked on every call,
//! so a removed identity is refused at once, whatever its token says.

use std::collections::HashMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use strongroom_engine::Timestamp;
use zeroize::Zeroizing;

use crate::error::{AccessDenied, VaultError};
use crate::ids::{ObjectId, TenantId, VaultName};
use crate::permissions::KeyPermission;
use crate::records::{IdentityRecord, VaultRecord};
use crate::rooms::{IDENTITIES, POLICIES, Read, VAULTS};
use crate::state::Life;
use crate::token::{self, Claims, Expected, TokenError, TokenKey, TokenSigner, VAULT_AUDIENCE};

/// A bearer secret that proves an identity for an hour. Wiped on drop, never printed.
#[derive(Clone)]
pub struct AccessToken(Zeroizing<String>);

impl AccessToken {
    /// A token as it came over a wire; nothing is checked before its first use.
    #[must_use]
    pub fn from_text(text: Zeroizing<String>) -> Self {
        Self(text)
    }

    /// The token as it goes over a wire. Whoever copies it must wipe the copy.
    #[must_use]
    pub fn expose_text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken").finish_non_exhaustive()
    }
}

/// A caller whose token was valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Principal {
    pub(crate) object_id: ObjectId,
    pub(crate) tenant: TenantId,
    pub(crate) app_id: [u8; 16],
}

/// Issues and checks tokens, and knows the owner.
pub(crate) struct Access {
    signer: TokenSigner,
    trusted: [TokenKey; 1],
    owner: ObjectId,
    /// By SHA-256 of the token, so that no copy of a token stays here.
    verified: Mutex<HashMap<[u8; 32], Verified>>,
}

/// What a token whose signature held says.
#[derive(Clone, Copy)]
struct Verified {
    principal: Principal,
    nbf: i64,
    exp: i64,
}

impl Access {
    pub(crate) fn new(signer: TokenSigner, owner: ObjectId) -> Self {
        Self {
            trusted: [signer.public().clone()],
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
        let tenant = identity.tenant.to_string();
        let now = now.unix_seconds();
        let token = self.signer.issue(&Claims {
            aud: VAULT_AUDIENCE.to_owned(),
            iss: token::issuer(&tenant),
            tid: tenant,
            oid: identity.object_id.to_string(),
            appid: guid(identity.client_id),
            iat: now,
            nbf: now,
            exp: now.saturating_add(TOKEN_SECONDS),
        })?;
        Ok(AccessToken(token))
    }

    /// Who the token says is calling.
    pub(crate) fn authenticate(&self, token: &AccessToken, now: Timestamp) -> Result<Principal, VaultError> {
        let now = now.unix_seconds();
        let digest = Sha256::digest(token.0.as_bytes()).into();
        let known = self.verified.lock().get(&digest).copied();
        let verified = match known {
            Some(verified) => verified,
            None => {
                let verified = self.verify(token, now)?;
                self.remember(digest, verified);
                verified
            }
        };
        if now < verified.nbf {
            return Err(TokenError::NotYetValid { nbf: verified.nbf }.into());
        }
        if now >= verified.exp {
            self.verified.lock().remove(&digest);
            return Err(TokenError::Expired { exp: verified.exp }.into());
        }
        Ok(verified.principal)
    }

    fn verify(&self, token: &AccessToken, now: i64) -> Result<Verified, VaultError> {
        // This only says which issuer to expect; the vault's own tenant is compared on entering it.
        let tenant = claimed_tenant(&token.0).unwrap_or_default();
        let expected = Expected {
            audience: VAULT_AUDIENCE,
            tenant: &tenant,
            now,
            leeway: 0,
        };
        let claims = token::verify(&token.0, &self.trusted, &expected)?;
        Ok(Verified {
            principal: Principal {
                object_id: claims.oid.parse()?,
                tenant: claims.tid.parse()?,
                app_id: claims.appid.parse::<ObjectId>()?.0,
            },
            nbf: claims.nbf,
            exp: claims.exp,
        })
    }

    fn remember(&self, digest: [u8; 32], verified: Verified) {
        let mut known = self.verified.lock();
        if known.len() >= VERIFIED_MAX {
            known.clear();
        }
        known.insert(digest, verified);
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
    fn enter(
        &self,
        read: &impl Read,
        principal: &Principal,
        vault: &VaultName,
    ) -> Result<VaultRecord, VaultError> {
        self.check_directory(read, principal)?;
        let record = active_vault(read, vault)?;
        // The owner of the installation is a guest in all of its tenants.
        if record.tenant != principal.tenant && principal.object_id != self.owner {
            let error = TokenError::Issuer {
                expected: issuer(record.tenant),
                found: issuer(principal.tenant),
            };
            return Err(error.into());
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
fn issuer(tenant: TenantId) -> String {
    token::issuer(&tenant.to_string())
}

fn denied(principal: &Principal, vault: &VaultRecord, permission: &str) -> VaultError {
    VaultError::AccessDenied(Box::new(AccessDenied {
        permission: permission.to_owned(),
        vault: vault.name.clone(),
        location: vault.region.to_string(),
        app_id: guid(principal.app_id),
        object_id: principal.object_id.to_string(),
        issuer: issuer(principal.tenant),
    }))
}

fn unauthorized(message: impl Into<String>) -> VaultError {
    VaultError::Unauthorized {
        message: message.into(),
    }
}

/// The `tid` of a token nobody has verified yet.
fn claimed_tenant(token: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Tenant {
        tid: String,
    }
    let claims = token.split('.').nth(1)?;
    let claims = Zeroizing::new(URL_SAFE_NO_PAD.decode(claims).ok()?);
    Some(serde_json::from_slice::<Tenant>(&claims).ok()?.tid)
}

fn guid(bytes: [u8; 16]) -> String {
    ObjectId(bytes).to_string()
}

/// How long a token is good for, in seconds.
pub const TOKEN_SECONDS: i64 = 3600;
/// Tokens whose signature was checked and that are remembered.
const VERIFIED_MAX: usize = 1024;
