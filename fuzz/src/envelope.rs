//! An envelope, and the other records of an account's tree: refused, or a record with a stable encoding.

use strongroom::fuzzing::{envelopes, is_account_container_or_blob, is_envelope};

/// The input is a record as it is before sealing.
pub fn run(data: &[u8]) {
    let _ = is_envelope(data) || is_account_container_or_blob(data);
}

/// A platform-managed envelope and a customer's, with and without padding, and all cut short.
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (forms, name) in envelopes().into_iter().zip(["platform", "customer"]) {
        for (envelope, form) in forms.into_iter().zip(["padded", "record"]) {
            assert!(is_envelope(&envelope), "{name}-{form}: a seed is accepted");
            seeds.push((
                format!("{name}-{form}-cut"),
                envelope[..envelope.len() - 1].to_vec(),
            ));
            seeds.push((format!("{name}-{form}"), envelope));
        }
    }
    seeds
}
