//! The parts of a blob's record that one feature each looks after.

use serde::{Deserialize, Serialize};
use strongroom_engine::Timestamp;
use uuid::Uuid;

use crate::encryption::EncryptionChoice;
use crate::error::{Error, ErrorKind, Result};

macro_rules! text {
    ($name:ident { $($variant:ident => $text:literal),* $(,)? }) => {
        impl $name {
            /// As the REST interface writes it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::Error;

            /// Reads what `as_str` gives, whatever the case of its letters.
            fn from_str(text: &str) -> crate::Result<Self> {
                let all = [$(Self::$variant),*];
                let found = all.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(text));
                found.ok_or_else(|| {
                    let message = format!("{text:?} is none of {}", [$($text),*].join(", "));
                    crate::Error::invalid("InvalidHeaderValue", message)
                })
            }
        }
    };
}

/// How readily a blob's content can be read, and at what price elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum AccessTier {
    /// Block blobs: read often.
    Hot,
    /// Block blobs: read now and then.
    Cool,
    /// Block blobs: read rarely.
    Cold,
    /// Block blobs: out of reach until rehydrated.
    Archive,
    /// Page blobs, premium: up to 32 GiB.
    P4,
    /// Page blobs, premium: up to 64 GiB.
    P6,
    /// Page blobs, premium: up to 128 GiB.
    P10,
    /// Page blobs, premium: up to 256 GiB.
    P15,
    /// Page blobs, premium: up to 512 GiB.
    P20,
    /// Page blobs, premium: up to 1 TiB.
    P30,
    /// Page blobs, premium: up to 2 TiB.
    P40,
    /// Page blobs, premium: up to 4 TiB.
    P50,
    /// Page blobs, premium: up to 8 TiB.
    P60,
    /// Page blobs, premium: up to 16 TiB.
    P70,
    /// Page blobs, premium: up to 32 TiB.
    P80,
}

text!(AccessTier {
    Hot => "Hot",
    Cool => "Cool",
    Cold => "Cold",
    Archive => "Archive",
    P4 => "P4",
    P6 => "P6",
    P10 => "P10",
    P15 => "P15",
    P20 => "P20",
    P30 => "P30",
    P40 => "P40",
    P50 => "P50",
    P60 => "P60",
    P70 => "P70",
    P80 => "P80",
});

/// A blob on its way out of the archive tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ArchiveStatus {
    /// To Hot.
    RehydratePendingToHot,
    /// To Cool.
    RehydratePendingToCool,
    /// To Cold.
    RehydratePendingToCold,
}

text!(ArchiveStatus {
    RehydratePendingToHot => "rehydrate-pending-to-hot",
    RehydratePendingToCool => "rehydrate-pending-to-cool",
    RehydratePendingToCold => "rehydrate-pending-to-cold",
});

/// How urgently a blob leaves the archive tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum RehydratePriority {
    /// Within hours.
    #[default]
    Standard,
    /// Sooner.
    High,
}

text!(RehydratePriority {
    Standard => "Standard",
    High => "High",
});

/// The tier of a blob and how it came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TierState {
    /// As it was set; `None` if the account's default holds.
    pub(crate) tier: Option<AccessTier>,
    /// True when the tier was derived (from a page blob's size) and not set.
    pub(crate) inferred: bool,
    /// When it was set last.
    pub(crate) changed: Option<Timestamp>,
    /// Set while it is leaving the archive tier.
    pub(crate) archive: Option<ArchiveStatus>,
    pub(crate) priority: Option<RehydratePriority>,
    /// When it has left, or will have left, the archive tier.
    pub(crate) rehydrated: Option<Timestamp>,
}

/// What is kept of an append blob besides its content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AppendState {
    /// Blocks appended.
    pub(crate) blocks: u32,
    /// True once nothing more may be appended.
    pub(crate) sealed: bool,
}

/// How far a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum CopyStatus {
    /// Under way.
    Pending,
    /// Done.
    Success,
    /// Stopped by a caller.
    Aborted,
    /// Stopped by a failure.
    Failed,
}

text!(CopyStatus {
    Pending => "pending",
    Success => "success",
    Aborted => "aborted",
    Failed => "failed",
});

/// The last copy to a blob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyState {
    /// Names the copy.
    pub id: Uuid,
    /// Where it comes from, as the caller wrote it.
    pub source: String,
    /// How far it is.
    pub status: CopyStatus,
    /// Bytes copied.
    pub copied: u64,
    /// Bytes to copy.
    pub total: u64,
    /// When it ended, however it did.
    pub completed: Option<Timestamp>,
    /// Why it failed.
    pub description: Option<String>,
    /// Of an incremental copy: the destination's snapshot of it.
    pub destination_snapshot: Option<Timestamp>,
}

/// Whether an immutability policy can still be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ImmutabilityMode {
    /// It can be shortened and removed.
    Unlocked,
    /// It can only be extended.
    Locked,
}

text!(ImmutabilityMode {
    Unlocked => "unlocked",
    Locked => "locked",
});

/// Until when a blob may be neither changed nor deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImmutabilityPolicy {
    /// The first moment at which it may be again.
    pub until: Timestamp,
    /// Whether the policy can be taken back.
    pub mode: ImmutabilityMode,
}

/// Which keys seal a blob, beyond the account's own. Not secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EncryptionDetails {
    /// The encryption scope, if one was used.
    pub scope: Option<String>,
    /// SHA-256 (FIPS 180-4) of the key that the caller provided, if one did.
    pub customer_key_sha256: Option<[u8; 32]>,
}

impl EncryptionDetails {
    /// Fails unless `choice` stands for what seals what this belongs to. Who names no encryption scope means
    /// the one it is under.
    pub(crate) fn check(&self, choice: &EncryptionChoice) -> Result<()> {
        let scope = match choice {
            EncryptionChoice::Scope(name) => Some(name.as_str().to_owned()),
            EncryptionChoice::Default | EncryptionChoice::CustomerKey(_) => self.scope.clone(),
        };
        self.check_same(&Self {
            scope,
            customer_key_sha256: choice.customer_key_sha256(),
        })
    }

    /// Fails unless both stand for the same keys.
    pub(crate) fn check_same(&self, given: &Self) -> Result<()> {
        let (code, message) = match (self.customer_key_sha256, given.customer_key_sha256) {
            (kept, key) if kept == key && self.scope == given.scope => return Ok(()),
            (None, None) => (
                "BlobCustomerSpecifiedEncryptionMismatch",
                "The given encryption scope does not match the one that the blob is under.",
            ),
            (Some(_), None) => (
                "BlobUsesCustomerSpecifiedEncryption",
                "The blob is encrypted with customer specified encryption, but it was not provided in the \
                 request.",
            ),
            (None, _) => (
                "BlobDoesNotUseCustomerSpecifiedEncryption",
                "The blob is not encrypted with customer specified encryption, but it was provided in the \
                 request.",
            ),
            (Some(_), Some(_)) => (
                "BlobCustomerSpecifiedEncryptionMismatch",
                "The given customer specified encryption does not match the encryption used to encrypt the blob.",
            ),
        };
        Err(Error::new(ErrorKind::Conflict, code, 409, message))
    }
}

/// Until when a deleted state can be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deleted {
    pub(crate) when: Timestamp,
    /// From then on it is gone, whether the maintenance has removed it or not.
    pub(crate) until: Timestamp,
}
