//! An embedded key vault: versioned RSA keys, access policies, soft delete, signed tokens and an audit chain.

mod algorithms;
mod error;
mod import;
mod jwk;
mod provider;
mod rsa;

pub use algorithms::{EncryptionAlgorithm, SignatureAlgorithm, UnknownAlgorithm};
pub use error::{AccessDenied, VaultError};
pub use import::{ImportError, import_der, import_jwk, import_key, import_pem};
pub use jwk::PublicKey;
pub use provider::{
    KeyProvider, KeySize, KeyType, NewKey, PrivateMaterial, ProviderError, Providers, UnknownKeyType,
    UnsupportedKeySize,
};
pub use rsa::SoftwareProvider;
