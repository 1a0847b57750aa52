//! An embedded key vault: versioned RSA keys, access policies, soft delete, signed tokens and an audit chain.

mod access;
mod algorithms;
mod audit;
mod backup;
mod convert;
mod crypto;
mod directory;
mod duration;
mod epoch;
mod error;
#[cfg(feature = "testing")]
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
pub use crypto::Produced;
pub use directory::{Directory, Identity};
pub use duration::{CalendarDuration, DurationError};
pub use epoch::{AccessWatcher, Epoch};
pub use error::{AccessDenied, VaultError};
pub use ids::{
    KeyId, KeyName, KeyReference, KeyVersion, ObjectId, Region, TenantId, VAULT_SUFFIX, VaultName, VaultUri,
};
pub use import::{ImportError, import_der, import_jwk, import_key, import_pem};
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
