//! What any bytes are as a record: the promise that fuzz targets check, for records that are private to a
//! crate.

use super::{Record, decode, encode};

/// Decodes `bytes` as an `R`. True if they are one; its encoding must then be stable.
///
/// # Panics
/// When a decoded record has no encoding, or the encoding decodes to another record.
#[must_use]
pub fn is_record<R: Record>(bytes: &[u8]) -> bool {
    let again = |bytes: &[u8]| decode::<R>(bytes).ok().map(|record| encode(&record));
    match again(bytes) {
        None => false,
        Some(first) => {
            let second = first.as_ref().ok().and_then(|first| again(first));
            assert_eq!(second.as_ref(), Some(&first), "a {} must be stable", R::NAME);
            assert!(first.is_ok(), "a decoded {} must have an encoding", R::NAME);
            true
        }
    }
}
