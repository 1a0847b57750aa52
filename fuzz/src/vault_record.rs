//! A record of the vault's tree, or a key's backup: refused, or a record with a stable encoding.

use strongroom_keyvault::KeyBackup;
use strongroom_keyvault::fuzzing::{is_vault_record, vault_records};

/// The input is a record as it lies in the tree, without its seal; or the text of a backup.
pub fn run(data: &[u8]) {
    let _ = is_vault_record(data);
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = KeyBackup::from_text(text);
    }
}

/// Records of several kinds, a length that promises more than there is, and a version that is not known yet.
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    let records = vault_records();
    assert!(
        records.iter().all(|(_, record)| is_vault_record(record)),
        "a seed is accepted"
    );
    let mut seeds: Vec<_> = records
        .into_iter()
        .map(|(kind, record)| (kind.to_owned(), record))
        .collect();
    seeds.push(("audit-head".to_owned(), [&[1, 5][..], &[7; 32]].concat()));
    seeds.push(("endless-length".to_owned(), vec![1, 253, 0, 0, 0, 0, 0, 0, 0, 64]));
    seeds.push(("newer-version".to_owned(), vec![255, 0, 0]));
    seeds
}
