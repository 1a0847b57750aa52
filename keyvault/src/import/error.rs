//! What was found in place of an RSA private key.

use crate::error::VaultError;
use crate::provider::UnsupportedKeySize;

/// Why a key was not imported. No variant carries any part of the input but labels and member names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// A certificate or a certificate request: it contains only the public half.
    #[error(
        "this is a certificate, which has no private key; import the private key file that belongs to it"
    )]
    Certificate,
    /// An elliptic curve key.
    #[error("this is an elliptic curve key; only RSA keys of 2048, 3072 or 4096 bits can be imported")]
    EllipticCurve,
    /// A key under a password.
    #[error(
        "this private key is encrypted; decrypt it first, for example with openssl pkey, and import the result"
    )]
    Encrypted,
    /// Numbers that do not belong together, or a key that does not open what it closed.
    #[error("the numbers of this key do not belong together; export the key again from where it is used")]
    Inconsistent,
    /// Not what the form promises; `what` says where it broke.
    #[error("this is not a readable key file: {what}")]
    Malformed {
        /// What was wrong.
        what: &'static str,
    },
    /// Members that a JWK private key must have.
    #[error("the JWK lacks {}; a private RSA key needs n, e, d, p, q, dp, dq and qi", .names.join(", "))]
    MissingMembers {
        /// The names of the missing members.
        names: Vec<&'static str>,
    },
    /// An RSA key with more than two primes.
    #[error("this RSA key has more than two primes, which is not supported; create a key with two")]
    MultiPrime,
    /// A file with several PEM blocks.
    #[error("this file has {count} PEM blocks; keep only the private key")]
    SeveralBlocks {
        /// How many there are.
        count: usize,
    },
    /// Another kind of private key, or another PEM label.
    #[error("this is {found:?}, not an RSA private key; PKCS#8, PKCS#1 and JWK can be imported")]
    OtherKind {
        /// The name of what was found, cut to 40 characters.
        found: String,
    },
    /// A PKCS#12 container.
    #[error(
        "this is a PKCS#12 file; take the key out of it first, for example with openssl pkcs12 -nocerts -noenc"
    )]
    Pkcs12,
    /// A private key where a public one was asked for.
    #[error(
        "this is a private key; keep it offline and give its public part, for example from openssl pkey -pubout"
    )]
    Private,
    /// Only the public half.
    #[error("this is a public key; import the private key")]
    PublicOnly,
    /// A modulus of another length.
    #[error(transparent)]
    Size(#[from] UnsupportedKeySize),
    /// Longer than any key.
    #[error("the key file has {found} bytes, at most {max} are read; check that it is a key")]
    TooLong {
        /// The length in bytes.
        found: usize,
        /// The longest that is read, in bytes.
        max: usize,
    },
    /// Something after the end of the key.
    #[error("there are bytes after the end of the key; remove them")]
    TrailingBytes,
    /// The key ends before its own length says.
    #[error("the key file is cut off; copy it again")]
    Truncated,
}

impl From<ImportError> for VaultError {
    fn from(error: ImportError) -> Self {
        Self::bad_parameter(error.to_string())
    }
}
