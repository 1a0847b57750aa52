//! What any bytes are as a record of this crate: doors for the fuzz targets, never used by the crate itself.

use strongroom_engine::Timestamp;
use strongroom_engine::codec::encode;
use strongroom_engine::codec::fuzzing::is_record;
use strongroom_keyvault::ObjectId;

use crate::account::AccountRecord;
use crate::blob::record::BlobRecord;
use crate::container::record::ContainerRecord;
use crate::encryption::scope::ScopeRecord;
use crate::encryption::{CustomerWrap, Envelope, KeyIdentity, NewWrap, Source, Tracking};

/// Decodes `bytes` as an envelope, as it is stored or without its padding. True if they are one.
///
/// # Panics
/// When its encoding is not stable.
#[must_use]
pub fn is_envelope(bytes: &[u8]) -> bool {
    let again = |bytes: &[u8]| Some(Envelope::from_padded(bytes).ok()?.padded().ok());
    match again(bytes) {
        None => is_record::<Envelope>(bytes),
        Some(first) => {
            let second = first.as_deref().and_then(again);
            assert!(first.is_some(), "a decoded envelope must have an encoding");
            assert_eq!(second, Some(first), "an envelope must be stable");
            true
        }
    }
}

/// Decodes `bytes` as the record of an account, of an encryption scope, of a container, and of a blob. True
/// if they are one of them.
///
/// # Panics
/// When an encoding is not stable.
#[must_use]
pub fn is_account_container_or_blob(bytes: &[u8]) -> bool {
    let are = [
        is_record::<AccountRecord>(bytes),
        is_record::<ScopeRecord>(bytes),
        is_record::<ContainerRecord>(bytes),
        is_record::<BlobRecord>(bytes),
    ];
    are.contains(&true)
}

/// A platform-managed envelope, and a customer's: as they are stored, and without the padding.
#[must_use]
pub fn envelopes() -> Vec<[Vec<u8>; 2]> {
    let key = "https://safe.vault.azure.net/keys/k/0123456789abcdef0123456789abcdef"
        .parse()
        .ok();
    let customer = key.map(|key| {
        Source::Customer(CustomerWrap::new(NewWrap {
            key,
            tracking: Tracking::Latest,
            wrapped: vec![5; 256],
            last_rotation: Timestamp::from_unix_seconds(1_583_020_800),
            expires: None,
            identity: KeyIdentity::System,
            principal: ObjectId([6; 16]),
        }))
    });
    let platform = Source::Platform {
        file: [1; 16],
        wrapped: vec![2; 112],
    };
    let envelopes = [Some(platform), customer]
        .into_iter()
        .flatten()
        .map(|source| Envelope {
            generation: 3,
            source,
        });
    envelopes
        .filter_map(|envelope| Some([envelope.padded().ok()?, encode(&envelope).ok()?]))
        .collect()
}

/// Has the account keep versions, and what is deleted for `retention`; deleted states may be removed before
/// their time if `permanent_delete` says so.
pub fn protect(account: &crate::Account, versioning: bool, retention: Option<std::time::Duration>) {
    *account.core.protection.write() = crate::protection::DataProtection {
        versioning,
        retention,
        permanent_delete: true,
    };
}
