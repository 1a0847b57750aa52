//! The envelope: an account's root key, wrapped, and what is needed to unwrap it.
//!
//! One record, in a tree of its own (see `envelope_tree`). The root key it opens to must match the commitment
//! that the account record has carried since creation: wrapping needs only a public key, so an envelope
//! proves nothing by itself. The MAC, keyed from the root key, then shows that the rest of the record is what
//! was written with it.

use serde::{Deserialize, Serialize};
use strongroom_engine::codec::{self, Record};
use strongroom_engine::keys::{Purpose, RootKey, ScopeId};
use strongroom_engine::seal::SealKind;
use strongroom_engine::{Entropy, Timestamp};
use strongroom_keyvault::{EncryptionAlgorithm, KeyId, ObjectId};

use crate::error::{Error, Result};

/// How the root key of an account is wrapped now.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Envelope {
    /// Grows with every change; decides between a record and its copy after a crash.
    pub(crate) generation: u64,
    pub(crate) source: Source,
}

/// Under whose key. A variant's place is on disk: never reorder.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Source {
    /// The platform's: a one-time key in a side file.
    Platform {
        /// Names the side file.
        file: [u8; 16],
        /// The root key sealed under the one-time key.
        wrapped: Vec<u8>,
    },
    /// The customer's: a key version in a vault.
    Customer(CustomerWrap),
}

/// A root key wrapped by a customer's key.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct CustomerWrap {
    /// The full address of the version that wrapped it, and that alone can unwrap it.
    key: String,
    pub(crate) tracking: Tracking,
    algorithm: WrapAlgorithm,
    pub(crate) wrapped: Vec<u8>,
    /// When a new version last wrapped it.
    pub(crate) last_rotation: Timestamp,
    /// When that version expires, as known then.
    pub(crate) expires: Option<Timestamp>,
    pub(crate) identity: KeyIdentity,
    /// Who the identity was when the settings were made.
    pub(crate) principal: ObjectId,
    mac: [u8; 32],
}

/// Whether the account stays with a version or follows the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Tracking {
    /// Stays until it is told otherwise.
    Pinned,
    /// Moves to the latest version at the daily check.
    Latest,
}

/// As whom the account asks the vault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyIdentity {
    /// As the system-assigned identity it has at that moment.
    #[default]
    System,
    /// As this user-assigned identity.
    User(ObjectId),
}

/// A number is on disk: never reuse one.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum WrapAlgorithm {
    RsaOaep256,
}

impl Source {
    /// The side file with the one-time key, while the platform holds the root key.
    pub(crate) fn one_time_file(&self) -> Option<[u8; 16]> {
        match self {
            Self::Platform { file, .. } => Some(*file),
            Self::Customer(_) => None,
        }
    }
}

impl Record for Envelope {
    const NAME: &'static str = "envelope";
    const VERSION: u8 = 1;
}

/// An envelope takes a multiple of this many bytes, so that its length tells nothing about the key, and every
/// change of a key costs the same.
const ROOM_BYTES: usize = 1 << 10;
/// In front of a padded envelope: its own length.
type Length = u16;

/// What is wrapped under what.
pub(crate) struct NewWrap {
    pub(crate) key: KeyId,
    pub(crate) tracking: Tracking,
    pub(crate) wrapped: Vec<u8>,
    pub(crate) last_rotation: Timestamp,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) identity: KeyIdentity,
    pub(crate) principal: ObjectId,
}

/// The algorithm of new wraps.
pub(crate) const ALGORITHM: EncryptionAlgorithm = EncryptionAlgorithm::RsaOaep256;

impl CustomerWrap {
    pub(crate) fn new(new: NewWrap) -> Self {
        Self {
            key: new.key.to_string(),
            tracking: new.tracking,
            algorithm: WrapAlgorithm::RsaOaep256,
            wrapped: new.wrapped,
            last_rotation: new.last_rotation,
            expires: new.expires,
            identity: new.identity,
            principal: new.principal,
            mac: [0; 32],
        }
    }

    /// The version that wrapped the root key.
    pub(crate) fn key(&self) -> Result<KeyId> {
        self.key
            .parse()
            .map_err(|error| super::damaged().caused_by(error))
    }

    pub(crate) fn algorithm(&self) -> EncryptionAlgorithm {
        match self.algorithm {
            WrapAlgorithm::RsaOaep256 => EncryptionAlgorithm::RsaOaep256,
        }
    }
}

impl Envelope {
    /// The envelope as it is stored: length (2 bytes, big-endian), record, zeros.
    pub(crate) fn padded(&self) -> Result<Vec<u8>> {
        let record = codec::encode(self)?;
        let length = Length::try_from(record.len()).map_err(|_| super::damaged())?;
        let mut bytes = [length.to_be_bytes().as_slice(), &record].concat();
        bytes.resize(bytes.len().next_multiple_of(ROOM_BYTES), 0);
        Ok(bytes)
    }

    /// The envelope in `bytes`, which must be exactly what [`padded`](Self::padded) made.
    pub(crate) fn from_padded(bytes: &[u8]) -> Result<Self> {
        let (length, rest) = bytes.split_first_chunk().ok_or_else(super::damaged)?;
        let length = usize::from(Length::from_be_bytes(*length));
        let (record, padding) = rest.split_at_checked(length).ok_or_else(super::damaged)?;
        let expected = (size_of::<Length>() + length).next_multiple_of(ROOM_BYTES);
        if bytes.len() != expected || padding.iter().any(|byte| *byte != 0) {
            return Err(super::damaged());
        }
        Ok(codec::decode(record)?)
    }

    /// A customer's envelope, authenticated by the root key it wraps.
    pub(crate) fn sealed(
        generation: u64,
        wrap: CustomerWrap,
        account: ScopeId,
        root: &RootKey,
    ) -> Result<Self> {
        let mut envelope = Self {
            generation,
            source: Source::Customer(wrap),
        };
        let mac = root
            .purpose(Purpose::EnvelopeMac, account)
            .mac(&envelope.authenticated()?);
        if let Source::Customer(wrap) = &mut envelope.source {
            wrap.mac = mac;
        }
        Ok(envelope)
    }

    /// True when this envelope was written by somebody who had `root`.
    pub(crate) fn is_authentic(&self, account: ScopeId, root: &RootKey) -> Result<bool> {
        let Source::Customer(wrap) = &self.source else {
            return Ok(true);
        };
        let message = self.authenticated()?;
        Ok(root
            .purpose(Purpose::EnvelopeMac, account)
            .verify_mac(&message, &wrap.mac))
    }

    /// Everything but the MAC.
    fn authenticated(&self) -> Result<Vec<u8>> {
        let mut bare = self.clone();
        if let Source::Customer(wrap) = &mut bare.source {
            wrap.mac = [0; 32];
        }
        Ok(codec::encode(&bare)?)
    }
}

const ROOT_ITEM: &[u8] = b"account-root";

/// Seals an account's root key under another key.
pub(crate) fn wrap_under(
    key: &RootKey,
    account: ScopeId,
    root: &RootKey,
    entropy: &dyn Entropy,
) -> Result<Vec<u8>> {
    key.purpose(Purpose::Wrap, account)
        .seal(
            SealKind::WrappedKey,
            ROOT_ITEM,
            root.expose_for_wrapping(),
            entropy,
        )
        .map_err(|error| Error::unavailable("the root key could not be wrapped", error))
}

/// Opens what [`wrap_under`] sealed; `None` if it does not open.
pub(crate) fn unwrap_under(key: &RootKey, account: ScopeId, wrapped: &[u8]) -> Option<RootKey> {
    key.purpose(Purpose::Wrap, account)
        .open(SealKind::WrappedKey, ROOT_ITEM, wrapped)
        .ok()
        .and_then(RootKey::from_bytes)
}

#[cfg(test)]
mod tests {
    use strongroom_engine::SystemEntropy;

    use super::*;

    #[test]
    fn every_envelope_takes_the_same_room() {
        let customer = |key: &str, expires| {
            Source::Customer(CustomerWrap::new(NewWrap {
                key: key.parse().unwrap(),
                tracking: Tracking::Pinned,
                wrapped: vec![7; 256],
                last_rotation: Timestamp::from_unix_seconds(1),
                expires,
                identity: KeyIdentity::System,
                principal: ObjectId([2; 16]),
            }))
        };
        let version = "0123456789abcdef0123456789abcdef";
        let short = format!("https://saf.vault.azure.net/keys/k/{version}");
        let long = format!(
            "https://{}.vault.azure.net/keys/{}/{version}",
            "v".repeat(24),
            "k".repeat(127)
        );
        let platform = Source::Platform {
            file: [1; 16],
            wrapped: vec![2; 112],
        };
        let sources = [
            platform,
            customer(&short, None),
            customer(&long, Some(Timestamp::default())),
        ];
        for (source, generation) in sources.into_iter().zip([1, 251, u64::MAX]) {
            let mut bytes = Envelope { generation, source }.padded().unwrap();
            assert_eq!(bytes.len(), ROOM_BYTES);
            assert_eq!(Envelope::from_padded(&bytes).unwrap().padded().unwrap(), bytes);
            for cut in 0..bytes.len() {
                assert!(Envelope::from_padded(&bytes[..cut]).is_err(), "prefix of {cut}");
            }
            *bytes.last_mut().unwrap() = 1;
            assert!(Envelope::from_padded(&bytes).is_err(), "padding is zeros");
            *bytes.last_mut().unwrap() = 0;
            bytes.resize(2 * ROOM_BYTES, 0);
            assert!(
                Envelope::from_padded(&bytes).is_err(),
                "no more padding than needed"
            );
        }
    }

    #[test]
    fn every_field_of_a_customer_envelope_is_authenticated() {
        let root = RootKey::generate(&SystemEntropy).unwrap();
        let account = ScopeId([1; 16]);
        let key = "https://safe.vault.azure.net/keys/k/0123456789abcdef0123456789abcdef";
        let wrap = CustomerWrap::new(NewWrap {
            key: key.parse().unwrap(),
            tracking: Tracking::Pinned,
            wrapped: vec![7; 256],
            last_rotation: Timestamp::from_unix_seconds(1),
            expires: None,
            identity: KeyIdentity::System,
            principal: ObjectId([2; 16]),
        });
        let envelope = Envelope::sealed(2, wrap, account, &root).unwrap();
        assert!(envelope.is_authentic(account, &root).unwrap());
        assert!(!envelope.is_authentic(ScopeId([2; 16]), &root).unwrap());
        let changes: [fn(&mut CustomerWrap); 7] = [
            |wrap| wrap.key = wrap.key.replace("/k/", "/j/"),
            |wrap| wrap.tracking = Tracking::Latest,
            |wrap| wrap.wrapped[0] ^= 1,
            |wrap| wrap.last_rotation = Timestamp::from_unix_seconds(2),
            |wrap| wrap.expires = Some(Timestamp::default()),
            |wrap| wrap.identity = KeyIdentity::User(ObjectId([2; 16])),
            |wrap| wrap.principal = ObjectId([3; 16]),
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let mut changed = envelope.clone();
            if let Source::Customer(wrap) = &mut changed.source {
                change(wrap);
            }
            assert!(!changed.is_authentic(account, &root).unwrap(), "change {index}");
        }
        let mut later = envelope;
        later.generation += 1;
        assert!(!later.is_authentic(account, &root).unwrap());
    }
}
