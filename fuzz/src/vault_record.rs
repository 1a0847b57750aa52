//! A record of the vault's tree: refused, or a record with a stable encoding.

use strongroom_keyvault::fuzzing::{is_vault_record, vault_records};

/// The input is a record as it is before sealing.
pub fn run(data: &[u8]) {
    let _ = is_vault_record(data);
}

/// A record of each of several kinds.
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    let records = vault_records();
    assert!(
        records.iter().all(|(_, record)| is_vault_record(record)),
        "a seed is accepted"
    );
    records
        .into_iter()
        .map(|(kind, record)| (kind.to_owned(), record))
        .collect()
}
