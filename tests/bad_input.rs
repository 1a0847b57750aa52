//! Bad input to an open store: a typed error that says what to do, nothing half done, and the right call
//! works afterwards. Directories, files and formats are in `bad_directories.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

mod bad_world;
mod common;

use bad_world::check;
use common::{KEY, VAULT, World, pinned, vault};
use strongroom::engine::SystemEntropy;
use strongroom::keyvault::{KeyName, NewKeyOptions, VaultError, import_key};
use strongroom::{
    AccountName, BlobName, ByteRange, Conditions, Container, ContainerName, ContentMd5, DownloadOptions,
    ETag, Error, ErrorKind, KeyFile, ListBlobs, ListContainers, Marker, Metadata, PageSize, Passphrase,
    Settings, Store, UploadOptions, Vaults,
};

const INVALID: ErrorKind = ErrorKind::Invalid;

/// A wrong value: how it is made, and the code it must give.
type Value<'a> = (&'a str, &'a str, Box<dyn Fn() -> Option<Error> + 'a>);

fn parse<T: std::str::FromStr<Err = Error>>(text: &str) -> Option<Error> {
    text.parse::<T>().err()
}

fn insert(name: &str, value: &str) -> Option<Error> {
    Metadata::new().insert(name, value).err()
}

#[track_caller]
fn check_values(cases: Vec<Value<'_>>) {
    for (what, code, make) in cases {
        check(what, (INVALID, code), || (), || make().map_or(Ok(()), Err));
    }
}

#[test]
fn wrong_names_are_refused_where_they_are_made() {
    let long = "a".repeat(1025);
    let slashes = "/".repeat(254);
    let cases: Vec<Value<'_>> = vec![
        (
            "short account",
            "StorageAccountNameNotValid",
            Box::new(|| parse::<AccountName>("ab")),
        ),
        (
            "account in capitals",
            "StorageAccountNameNotValid",
            Box::new(|| parse::<AccountName>("Photos")),
        ),
        (
            "account with a path",
            "StorageAccountNameNotValid",
            Box::new(|| parse::<AccountName>("../etc")),
        ),
        (
            "empty container",
            "OutOfRangeInput",
            Box::new(|| parse::<ContainerName>("")),
        ),
        (
            "long container",
            "OutOfRangeInput",
            Box::new(|| parse::<ContainerName>(&long)),
        ),
        (
            "container with dashes",
            "InvalidResourceName",
            Box::new(|| parse::<ContainerName>("a--b")),
        ),
        (
            "container with a NUL",
            "InvalidResourceName",
            Box::new(|| parse::<ContainerName>("abc\0")),
        ),
        (
            "empty blob",
            "OutOfRangeInput",
            Box::new(|| parse::<BlobName>("")),
        ),
        (
            "long blob",
            "OutOfRangeInput",
            Box::new(|| parse::<BlobName>(&long)),
        ),
        (
            "deep blob",
            "InvalidResourceName",
            Box::new(|| parse::<BlobName>(&slashes)),
        ),
    ];
    check_values(cases);
}

#[test]
fn wrong_options_are_refused_where_they_are_made() {
    let cases: Vec<Value<'_>> = vec![
        (
            "no metadata name",
            "EmptyMetadataKey",
            Box::new(|| insert("", "x")),
        ),
        (
            "metadata name with a dash",
            "InvalidMetadata",
            Box::new(|| insert("a-b", "x")),
        ),
        (
            "metadata with a line end",
            "InvalidMetadata",
            Box::new(|| insert("a", "x\r\ny")),
        ),
        (
            "much metadata",
            "MetadataTooLarge",
            Box::new(|| insert("a", &"x".repeat(8192))),
        ),
        (
            "wrong ETag",
            "InvalidHeaderValue",
            Box::new(|| parse::<ETag>("yesterday")),
        ),
        (
            "wrong marker",
            "InvalidQueryParameterValue",
            Box::new(|| parse::<Marker>("%%")),
        ),
        (
            "page of nothing",
            "OutOfRangeQueryParameterValue",
            Box::new(|| PageSize::new(0).err()),
        ),
        (
            "range backwards",
            "InvalidRange",
            Box::new(|| ByteRange::inclusive(2, 1).err()),
        ),
        (
            "no passphrase",
            "PassphraseEmpty",
            Box::new(|| Passphrase::new(String::new()).err()),
        ),
    ];
    check_values(cases);
}

/// Everything of the store that can be seen from outside.
fn view(world: &World) -> Vec<String> {
    let mut seen = Vec::new();
    for account in world.store.accounts().unwrap() {
        seen.push(account.name.to_string());
        let account = world.store.account(&account.name).unwrap();
        for item in account
            .list_containers(&ListContainers::default())
            .unwrap()
            .containers
        {
            seen.push(format!("{item:?}"));
            let blobs = account
                .container(&item.name)
                .list_blobs(&ListBlobs::default())
                .unwrap();
            seen.extend(blobs.blobs().map(|blob| format!("{blob:?}")));
        }
    }
    seen
}

fn upload(container: &Container, name: &str, change: impl FnOnce(&mut UploadOptions)) -> Result<(), Error> {
    let mut options = UploadOptions::default();
    change(&mut options);
    container
        .upload(&name.parse().unwrap(), b"content".as_slice(), options)
        .map(|_| ())
}

/// A wrong call, and the kind and code it must give.
type Call<'a> = (
    &'a str,
    ErrorKind,
    &'a str,
    Box<dyn Fn() -> Result<(), Error> + 'a>,
);

/// A world whose account has the container `album` with the blob `kept`.
fn album() -> (World, Container) {
    let world = World::customer();
    let container = world.account().container(&"album".parse().unwrap());
    container.create(&Metadata::new()).unwrap();
    upload(&container, "kept", |_| {}).unwrap();
    (world, container)
}

/// Every call is refused and changes nothing; the right one works afterwards.
#[track_caller]
fn check_calls(world: &World, container: &Container, calls: Vec<Call<'_>>) {
    for (what, kind, code, call) in calls {
        check(what, (kind, code), || view(world), call);
    }
    upload(container, "new", |_| {}).unwrap();
}

#[test]
fn a_call_on_the_wrong_thing_changes_nothing() {
    let (world, container) = album();
    let nowhere = world.account().container(&"nowhere".parse().unwrap());
    let calls: Vec<Call<'_>> = vec![
        (
            "account twice",
            ErrorKind::AlreadyExists,
            "StorageAccountAlreadyTaken",
            Box::new(|| {
                world
                    .store
                    .create_account(&world.new_account("photos"))
                    .map(|_| ())
            }),
        ),
        (
            "container twice",
            ErrorKind::AlreadyExists,
            "ContainerAlreadyExists",
            Box::new(|| container.create(&Metadata::new()).map(|_| ())),
        ),
        (
            "no such account",
            ErrorKind::NotFound,
            "ResourceNotFound",
            Box::new(|| world.store.delete_account(&"nobody".parse().unwrap())),
        ),
        (
            "no such container",
            ErrorKind::NotFound,
            "ContainerNotFound",
            Box::new(|| upload(&nowhere, "x", |_| {})),
        ),
        (
            "no such blob",
            ErrorKind::NotFound,
            "BlobNotFound",
            Box::new(|| {
                container
                    .download(&"none".parse().unwrap(), &DownloadOptions::default(), Vec::new())
                    .map(|_| ())
            }),
        ),
    ];
    check_calls(&world, &container, calls);
}

#[test]
fn a_call_with_wrong_options_changes_nothing() {
    let (world, container) = album();
    let calls: Vec<Call<'_>> = vec![
        (
            "another MD5",
            INVALID,
            "Md5Mismatch",
            Box::new(|| {
                upload(&container, "new", |options| {
                    options.content_md5 = ContentMd5::Provided([7; 16])
                })
            }),
        ),
        (
            "a header with a line end",
            INVALID,
            "InvalidHeaderValue",
            Box::new(|| {
                upload(&container, "new", |options| {
                    options.headers.content_type = "a\r\nb".to_owned()
                })
            }),
        ),
        (
            "a condition that does not hold",
            ErrorKind::AlreadyExists,
            "BlobAlreadyExists",
            Box::new(|| {
                upload(&container, "kept", |options| {
                    options.conditions = Conditions::if_absent()
                })
            }),
        ),
        (
            "a range beyond the end",
            INVALID,
            "InvalidRange",
            Box::new(|| {
                let range = ByteRange::inclusive(7, 9)?;
                let options = DownloadOptions {
                    range,
                    ..DownloadOptions::default()
                };
                container
                    .download(&"kept".parse().unwrap(), &options, Vec::new())
                    .map(|_| ())
            }),
        ),
        (
            "an empty delimiter",
            INVALID,
            "InvalidQueryParameterValue",
            Box::new(|| {
                let request = ListBlobs {
                    delimiter: Some(String::new()),
                    ..ListBlobs::default()
                };
                container.list_blobs(&request).map(|_| ())
            }),
        ),
        (
            "a reader that fails",
            ErrorKind::Io,
            "InvalidInput",
            Box::new(|| {
                container
                    .upload(&"new".parse().unwrap(), Failing, UploadOptions::default())
                    .map(|_| ())
            }),
        ),
    ];
    check_calls(&world, &container, calls);
}

/// A reader that gives up in the middle.
struct Failing;

impl std::io::Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("the cable was pulled"))
    }
}

#[test]
fn settings_beyond_their_limits_are_refused() {
    for chunk_bytes in [0, 1, (4 << 10) - 1, (512 << 10) + 1, u32::MAX] {
        let world = World::empty();
        world.store.close().unwrap();
        let mut settings = Settings::default();
        settings.chunk_bytes = chunk_bytes;
        let look = || bad_world::files(&world.data());
        check("open", (INVALID, "InvalidSettings"), look, || {
            world.options().settings(settings).open()
        });
        let nowhere = || Store::builder(world.directory.path().join("new"), world.host_key());
        check("init", (INVALID, "InvalidSettings"), look, || {
            nowhere().settings(settings).init()
        });
        assert!(!world.directory.path().join("new").exists());
        world.options().open().unwrap();
    }
}

/// Keys that are none, or none of ours: refused before and behind the door of the vault.
#[test]
fn broken_keys_are_not_imported() {
    let world = World::customer();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("keyvault/tests/keys");
    let good = std::fs::read(folder.join("rsa2048-2.pkcs8.der")).unwrap();
    let mut broken: Vec<(String, Vec<u8>)> = [
        "rsa1024.pkcs8.pem",
        "rsa2048-3primes.pem",
        "rsa2048-1.spki.pem",
        "encrypted.pkcs8.der",
        "ec.pkcs8.pem",
        "certificate.pem",
        "bundle.p12",
        "composite-factor.jwk.json",
    ]
    .map(|name| (name.to_owned(), std::fs::read(folder.join(name)).unwrap()))
    .to_vec();
    broken.push(("nothing".to_owned(), Vec::new()));
    broken.push(("noise".to_owned(), vec![0x5a; 4096]));
    broken.push(("much".to_owned(), vec![b'A'; 4 << 20]));
    broken.extend(
        (0..good.len())
            .step_by(97)
            .map(|cut| (format!("prefix of {cut}"), good[..cut].to_vec())),
    );
    broken.extend((0..good.len()).step_by(61).map(|at| {
        let mut flipped = good.clone();
        flipped[at] ^= 0x10;
        (format!("byte {at} flipped"), flipped)
    }));
    let name: KeyName = "imported".parse().unwrap();
    let import = |bytes: &[u8]| {
        let key = import_key(bytes)?;
        let place = (&vault(VAULT), &name);
        world
            .vaults
            .store()
            .import_key(&world.token(), place, key, NewKeyOptions::default())
    };
    let keys = || {
        world
            .vaults
            .store()
            .list_keys(&world.token(), &vault(VAULT))
            .unwrap()
    };
    let before = keys();
    for (what, bytes) in broken {
        let error = import(&bytes).map(|_| ()).expect_err(&what);
        assert!(
            matches!(error, VaultError::BadParameter { .. } | VaultError::Provider(_)),
            "{what}: {error}"
        );
        assert_eq!(error.status(), 400, "{what}: {error}");
        assert!(error.to_string().len() > 20, "{what}: {error} says too little");
        assert!(keys() == before, "{what}");
    }
    import(&good).unwrap();
}

#[test]
fn an_account_under_other_vaults_is_refused_and_works_with_its_own() {
    let mut world = World::customer();
    let container = world.account().container(&"album".parse().unwrap());
    container.create(&Metadata::new()).unwrap();
    upload(&container, "kept", |_| {}).unwrap();
    world.store.close().unwrap();
    let key = KeyFile::create(&world.directory.path().join("other.key"), &SystemEntropy).unwrap();
    let others = Vaults::builder(world.directory.path().join("others"), key)
        .init()
        .unwrap();
    let store = world.options().vaults(&others).open().unwrap();
    let album = store
        .account(&"photos".parse().unwrap())
        .unwrap()
        .container(&"album".parse().unwrap());
    let look = || album.list_blobs(&ListBlobs::default()).unwrap();
    let download = || album.download(&"kept".parse().unwrap(), &DownloadOptions::default(), Vec::new());
    check(
        "content",
        (ErrorKind::KeyUnavailable, "KeyVaultAccessTokenCannotBeAcquired"),
        look,
        download,
    );
    store.close().unwrap();
    world.store = world.options().open().unwrap();
    let album = world.account().container(&"album".parse().unwrap());
    album
        .download(&"kept".parse().unwrap(), &DownloadOptions::default(), Vec::new())
        .unwrap();
    let again = world.make_key(VAULT, KEY);
    world.account().use_customer_key(&pinned(&again)).unwrap();
}
