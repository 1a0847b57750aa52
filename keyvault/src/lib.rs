//! An embedded key vault: versioned RSA keys, access policies, soft delete, signed tokens and an audit chain.

mod algorithms;
mod duration;
mod error;
mod ids;
mod import;
mod jwk;
mod provider;
mod rotation_policy;
mod rsa;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod token;

pub use algorithms::{EncryptionAlgorithm, SignatureAlgorithm, UnknownAlgorithm};
pub use duration::{CalendarDuration, DurationError};
pub use error::{AccessDenied, VaultError};
pub use ids::{KeyId, KeyName, KeyReference, KeyVersion, ObjectId, Region, TenantId, VaultName, VaultUri};
pub use import::{ImportError, import_der, import_jwk, import_key, import_pem};
pub use jwk::PublicKey;
pub use provider::{
    KeyProvider, KeySize, KeyType, NewKey, PrivateMaterial, ProviderError, Providers, UnknownKeyType,
    UnsupportedKeySize,
};
pub use rotation_policy::{PolicyError, PolicyJsonError, RotationAction, RotationPolicy, Trigger, due};
pub use rsa::SoftwareProvider;
