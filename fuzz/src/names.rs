//! Names and addresses from users: refused with a reason, or text that means the same when it is read again.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use strongroom::keyvault::{KeyId, KeyName, KeyReference, KeyVersion, Region, TenantId, VaultName, VaultUri};
use strongroom::{AccountName, BlobName, ContainerName};

/// The input is tried as every kind of name.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    reads_back::<AccountName>(text);
    reads_back::<BlobName>(text);
    reads_back::<ContainerName>(text);
    reads_back::<KeyId>(text);
    reads_back::<KeyName>(text);
    reads_back::<KeyReference>(text);
    reads_back::<KeyVersion>(text);
    reads_back::<Region>(text);
    reads_back::<TenantId>(text);
    reads_back::<VaultName>(text);
    reads_back::<VaultUri>(text);
}

/// A legal name of every kind, and names at and beyond a limit.
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    let key = "https://safe.vault.azure.net/keys/k";
    let version = "0123456789abcdef0123456789abcdef";
    let names = [
        ("account", "backup2026".to_owned()),
        ("blob", "2026/11/a b+\u{e9}.tar.gz".to_owned()),
        ("blob-segments", "a/".repeat(254)),
        ("container", "my-logs".to_owned()),
        ("container-long", "a".repeat(64)),
        ("container-reserved", "$web".to_owned()),
        ("key-reference", key.to_owned()),
        ("key-id", format!("{key}/{version}")),
        ("key-version", version.to_owned()),
        ("region", "West US 2".to_owned()),
        ("tenant", "72f988bf-86f1-41af-91ab-2d7cd011db47".to_owned()),
        ("vault", "my-Vault".to_owned()),
        ("vault-uri", "https://my-vault.vault.azure.net/".to_owned()),
    ];
    names
        .into_iter()
        .map(|(kind, text)| (kind.to_owned(), text.into_bytes()))
        .collect()
}

fn reads_back<N: FromStr + Display + PartialEq + Debug>(text: &str)
where
    N::Err: Display,
{
    match text.parse::<N>() {
        Ok(name) => assert!(
            name.to_string().parse::<N>().is_ok_and(|again| again == name),
            "{name:?} reads back"
        ),
        Err(error) => assert!(error.to_string().len() < 4096, "a refusal is short"),
    }
}
