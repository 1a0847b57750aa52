//! Invariant 4: no name, metadata, content or key byte lies in clear in any file of the store or of the
//! vaults, before or after a restart: not as it is, not in hexadecimal, not in base64.
//!
//! The library gives out no key. The test opens the closed directories with their platform keys, as
//! docs/FORMAT.md says, and takes from inside what must not be seen from outside. Keys of single items are
//! derived when they are used and never held by any record.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod common;
mod inside;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use common::{KEY, VAULT, World, pinned};
use strongroom::keyvault::{NewKeyOptions, import_key};
use strongroom::{DownloadOptions, Metadata, PlatformKey, UploadOptions};

/// Planted in names, metadata and content; long enough never to occur by chance.
const CANARIES: [&str; 7] = [
    "canary-container-name",
    "canary/blob/name",
    "canary_metadata_name",
    "canary metadata value",
    "canary/content-type",
    "canary small content",
    "canary large content",
];

fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
}

/// Something that no file may hold, in one of its forms.
struct Needle {
    what: String,
    bytes: Vec<u8>,
}

fn plain(what: &str, bytes: &[u8]) -> Needle {
    Needle {
        what: what.to_owned(),
        bytes: bytes.to_vec(),
    }
}

/// A secret as it is, in hexadecimal, and in base64 wherever in a longer text it begins.
fn forms(what: &str, secret: &[u8]) -> Vec<Needle> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut found = vec![
        plain(what, secret),
        plain(&format!("{what} in hexadecimal"), hex.as_bytes()),
        plain(&format!("{what} in HEXADECIMAL"), hex.to_uppercase().as_bytes()),
    ];
    for skip in 0..3 {
        let whole = (secret.len() - skip) / 3 * 3;
        let part = &secret[skip..skip + whole];
        found.push(plain(
            &format!("{what} in base64"),
            STANDARD.encode(part).as_bytes(),
        ));
        found.push(plain(
            &format!("{what} in base64url"),
            URL_SAFE_NO_PAD.encode(part).as_bytes(),
        ));
    }
    found
}

/// Every needle that some file below `folder` holds, and the bytes that were looked through.
fn scan(folder: &Path, needles: &[Needle]) -> (Vec<String>, usize) {
    let mut all = Vec::new();
    files(folder, &mut all);
    let mut by_start: HashMap<[u8; 4], Vec<&Needle>> = HashMap::new();
    for needle in needles {
        by_start
            .entry(*needle.bytes.first_chunk().unwrap())
            .or_default()
            .push(needle);
    }
    let mut found = Vec::new();
    for (path, bytes) in &all {
        for (at, start) in bytes.array_windows::<4>().enumerate() {
            let candidates = by_start.get(start).into_iter().flatten();
            let held = candidates.filter(|needle| bytes[at..].starts_with(&needle.bytes));
            found.extend(held.map(|needle| format!("{path} holds {}", needle.what)));
        }
    }
    (found, all.iter().map(|(_, bytes)| bytes.len()).sum())
}

fn plant(world: &World) {
    let [container, blob, meta_name, meta_value, kind, small, large] = CANARIES;
    let mut metadata = Metadata::new();
    metadata.insert(meta_name, meta_value).unwrap();
    let container = world.account().container(&container.parse().unwrap());
    container.create(&metadata).unwrap();
    for (suffix, content) in [("-small", small.to_owned()), ("-large", large.repeat(20_000))] {
        let mut options = UploadOptions {
            metadata: metadata.clone(),
            ..UploadOptions::default()
        };
        options.headers.content_type = kind.to_owned();
        container
            .upload(
                &format!("{blob}{suffix}").parse().unwrap(),
                content.as_bytes(),
                options,
            )
            .unwrap();
    }
}

/// Every secret part of the RSA keys that the vaults of this test hold.
fn private_keys() -> Vec<Needle> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("keyvault/tests/keys");
    let mut needles = Vec::new();
    for number in 1..=4 {
        let der = fs::read(folder.join(format!("rsa2048-{number}.pkcs8.der"))).unwrap();
        // The last two thirds: the modulus, which is public, stands before them.
        needles.extend(forms(&format!("private key {number}"), &der[der.len() / 3..]));
    }
    let jwk = fs::read(folder.join("rsa2048-1.jwk.json")).unwrap();
    let jwk: serde_json::Value = serde_json::from_slice(&jwk).unwrap();
    for part in ["d", "p", "q", "dp", "dq", "qi"] {
        let secret = URL_SAFE_NO_PAD.decode(jwk[part].as_str().unwrap()).unwrap();
        needles.extend(forms(&format!("the RSA key's {part}"), &secret));
        // A part of it is too much as well.
        needles.push(plain(
            &format!("a piece of the RSA key's {part}"),
            &secret[40..72],
        ));
    }
    needles
}

/// Closes everything, takes the keys from inside, and has a look at every file.
fn keys_of(world: &World) -> Vec<Needle> {
    let vaults = world.directory.path().join("vaults");
    let (store_root, store_id) = inside::root(&world.data(), &world.host_key());
    let (vault_root, _) = inside::root(&vaults, &world.vault_key());
    let [one_time, account_root] = inside::account_keys(&world.data(), &store_root, store_id);
    let mut needles = private_keys();
    for (what, key) in [
        ("the store's root key", &store_root),
        ("the vaults' root key", &vault_root),
        ("the account's one-time key", &one_time),
        ("the account's root key", &account_root),
    ] {
        needles.extend(forms(what, key.expose_for_wrapping()));
    }
    let private = inside::vault_one_time_keys(&vaults, &vault_root);
    assert!(private.len() >= 2, "the token's key and the customer's");
    for key in private {
        needles.extend(forms("a one-time key of the vaults", key.expose_for_wrapping()));
    }
    for key in [world.host_key(), world.vault_key()] {
        let platform = key.derive(&[]).unwrap();
        needles.extend(forms("a platform key", platform.expose_for_wrapping()));
    }
    needles
}

/// Looks through the data and the vaults of a closed world; key files are where platform keys belong.
#[track_caller]
fn check(world: &World, needles: &[Needle]) -> usize {
    let places = ["data", "vaults"].map(|place| scan(&world.directory.path().join(place), needles));
    for (found, _) in &places {
        assert_eq!(found, &Vec::<String>::new());
    }
    places.iter().map(|(_, bytes)| bytes).sum()
}

fn close(world: &World) {
    world.store.close().unwrap();
    world.vaults.close().unwrap();
}

fn open(world: &mut World) {
    world.vaults = world.vault_options().open().unwrap();
    world.store = world.options().open().unwrap();
}

#[test]
fn no_planted_byte_and_no_key_lies_in_clear() {
    let mut world = World::prepared();
    plant(&world);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("keyvault/tests/keys");
    let pem = fs::read(folder.join("rsa2048-1.pkcs8.pem")).unwrap();
    let place = (&common::vault(VAULT), &"imported".parse().unwrap());
    let store = world.vaults.store().clone();
    let imported = store.import_key(
        &world.token(),
        place,
        import_key(&pem).unwrap(),
        NewKeyOptions::default(),
    );
    let imported = imported.unwrap().id;
    drop(store);
    close(&world);
    let mut needles = keys_of(&world);
    needles.extend(CANARIES.iter().map(|canary| plain(canary, canary.as_bytes())));
    // Names of the account, the vault and the key, in the forms that records would hold them in.
    needles.push(plain("the account's name", b"photos"));
    needles.push(plain(
        "the vault's address",
        format!("https://{VAULT}.vault").as_bytes(),
    ));
    check(&world, &needles);
    open(&mut world);
    // Towards the customer's key, to the imported one, to a new version, back to the platform and again.
    for round in 0..2 {
        world.account().use_customer_key(&pinned(&imported)).unwrap();
        let second = world.make_key(VAULT, KEY);
        world.account().use_customer_key(&pinned(&second)).unwrap();
        if round == 0 {
            world.account().use_platform_key().unwrap();
        }
        close(&world);
        check(&world, &needles);
        open(&mut world);
    }
    plant_again(&world);
    close(&world);
    let bytes = check(&world, &needles);
    assert!(
        bytes > 20_000 * CANARIES[6].len(),
        "only {bytes} bytes were looked through"
    );
}

/// Reads and writes once more, so that keys are unwrapped and used after a restart.
fn plant_again(world: &World) {
    let container = world.account().container(&CANARIES[0].parse().unwrap());
    let (small, again) = (format!("{}-small", CANARIES[1]), format!("{}-again", CANARIES[1]));
    let mut content = Vec::new();
    container
        .download(&small.parse().unwrap(), &DownloadOptions::default(), &mut content)
        .unwrap();
    container
        .upload(
            &again.parse().unwrap(),
            content.as_slice(),
            UploadOptions::default(),
        )
        .unwrap();
}

#[test]
fn a_planted_byte_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let secret = [7, 1, 8, 2, 8, 1, 8, 2, 8, 4, 5, 9];
    let needles = forms("the key", &secret);
    let hidden = [
        secret.to_vec(),
        b"07010802080108020804050 9"
            .iter()
            .filter(|byte| **byte != b' ')
            .copied()
            .collect(),
        STANDARD.encode(secret).into_bytes(),
        STANDARD.encode([b"x".as_slice(), &secret].concat()).into_bytes(),
        URL_SAFE_NO_PAD
            .encode([b"xy".as_slice(), &secret, b"z"].concat())
            .into_bytes(),
    ];
    for hidden in hidden {
        fs::write(
            folder.path().join("file"),
            [b"..".as_slice(), &hidden, b".."].concat(),
        )
        .unwrap();
        assert!(!scan(folder.path(), &needles).0.is_empty(), "{hidden:?}");
    }
    fs::write(folder.path().join("file"), b"nothing of that kind").unwrap();
    assert!(scan(folder.path(), &needles).0.is_empty());
}
