//! A record of the vault's tree: it is refused, or it is a record that can be written and read again.

use strongroom_keyvault::KeyBackup;
use strongroom_keyvault::testing::decode_records;

/// The input is a record as it lies in the tree, without its seal.
pub fn run(data: &[u8]) {
    let accepted = decode_records(data);
    assert!(accepted <= 10, "there are ten kinds of records");
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = KeyBackup::from_text(text);
    }
}

/// Beginnings of records: version bytes, lengths that promise more than there is.
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    let seed = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_vec());
    vec![
        seed("audit-head", &[&[1, 5][..], &[7; 32]].concat()),
        seed("endless-length", &[1, 253, 0, 0, 0, 0, 0, 0, 0, 64]),
        seed("newer-version", &[255, 0, 0]),
        seed("policy", &[&[1][..], &[7; 16], &[251, 255, 15]].concat()),
        seed("tenant", &[&[1][..], &[7; 16], &[5]].concat()),
    ]
}
