//! While the customer's key cannot be used, exactly the listed operations on blobs fail, with the code of the
//! cause; streams in flight stop at their next chunk; once access is restored everything is there again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod common;

use std::io::{self, Read};

use common::{KEY, NEEDED, VAULT, World, vault};
use strongroom::{
    BlobName, Conditions, Container, ContentHeaders, Download, DownloadOptions, Error, ErrorKind, ListBlobs,
    ListContainers, ListDetail, Metadata, Upload, UploadOptions,
};

const KEY_NOT_FOUND: &str = "KeyVaultEncryptionKeyNotFound";
const VAULT_NOT_FOUND: &str = "KeyVaultVaultNotFound";
const NO_TOKEN: &str = "KeyVaultAccessTokenCannotBeAcquired";
/// Larger than every buffer on the way.
const LENGTH: usize = 3 << 20;

fn blob(text: &str) -> BlobName {
    text.parse().unwrap()
}

fn content() -> Vec<u8> {
    (0..LENGTH)
        .map(|index| (index * 7 + index / 65_536) as u8)
        .collect()
}

fn with_metadata() -> UploadOptions {
    let mut metadata = Metadata::new();
    metadata.insert("colour", "blue").unwrap();
    UploadOptions {
        metadata,
        ..UploadOptions::default()
    }
}

/// A container with the blob `kept`, and streams in flight.
struct Scene {
    container: Container,
    upload: Upload,
    fresh: Download,
    begun: Download,
}

impl Scene {
    fn new(world: &World) -> Self {
        let container = world.account().container(&"photos".parse().unwrap());
        container.create(&Metadata::new()).unwrap();
        container
            .upload(&blob("kept"), content().as_slice(), with_metadata())
            .unwrap();
        container
            .upload(&blob("small"), &b"small"[..], with_metadata())
            .unwrap();
        let mut upload = container.begin_upload(&blob("new"), with_metadata()).unwrap();
        upload.write(&content()).unwrap();
        let open = || {
            container
                .open_blob(&blob("kept"), &DownloadOptions::default())
                .unwrap()
        };
        let (fresh, mut begun) = (open(), open());
        begun.read_exact(&mut [0; 100]).unwrap();
        Self {
            container,
            upload,
            fresh,
            begun,
        }
    }
}

#[track_caller]
fn blocked<T>(operation: &str, result: Result<T, Error>, code: &str) {
    let error = result
        .err()
        .unwrap_or_else(|| unreachable!("{operation} was not refused"));
    assert_eq!((error.code(), error.status()), (code, 403), "{operation}");
    assert_eq!(error.kind(), ErrorKind::KeyUnavailable, "{operation}");
    assert!(error.what_to_do().is_some(), "{operation}");
}

/// The refusal inside an error of `Read`.
#[track_caller]
fn stopped(operation: &str, result: io::Result<usize>, code: &str) {
    let error = result.err().unwrap().into_inner().unwrap();
    blocked::<()>(operation, Err(*error.downcast::<Error>().unwrap()), code);
}

/// The listed operations, on a blob that exists and on one that does not: a revoked account does not tell
/// them apart.
fn check_blocked(container: &Container, code: &str) {
    let always = Conditions::default();
    for name in [blob("kept"), blob("small"), blob("missing")] {
        let upload = container.upload(&name, &b"x"[..], UploadOptions::default());
        blocked("Put Blob", upload, code);
        blocked(
            "Put Blob",
            container.begin_upload(&name, UploadOptions::default()),
            code,
        );
        let download = container.download(&name, &DownloadOptions::default(), Vec::new());
        blocked("Get Blob", download, code);
        blocked(
            "Get Blob",
            container.open_blob(&name, &DownloadOptions::default()),
            code,
        );
        blocked(
            "Get Blob Properties",
            container.blob_properties(&name, &always),
            code,
        );
        blocked("Get Blob Properties", container.blob_exists(&name), code);
        blocked("Get Blob Metadata", container.blob_metadata(&name, &always), code);
        blocked(
            "Set Blob Metadata",
            container.set_blob_metadata(&name, &Metadata::new(), &always),
            code,
        );
    }
    let detail = ListDetail::Metadata;
    blocked(
        "List Blobs",
        container.list_blobs(&ListBlobs {
            detail,
            ..ListBlobs::default()
        }),
        code,
    );
    blocked("content check", container.content_check(&blob("kept")), code);
}

/// Everything that is not listed.
fn check_allowed(world: &World, container: &Container) {
    let always = Conditions::default();
    let names =
        |page: strongroom::BlobPage| page.blobs().map(|item| item.name.to_string()).collect::<Vec<_>>();
    assert_eq!(
        names(container.list_blobs(&ListBlobs::default()).unwrap()),
        ["kept", "small"]
    );
    let headers = ContentHeaders::of_type("text/plain");
    container
        .set_blob_headers(&blob("kept"), &headers, &always)
        .unwrap();
    container.delete_blob(&blob("small"), &always).unwrap();
    let missing = container.delete_blob(&blob("small"), &always).unwrap_err();
    assert_eq!(missing.code(), "BlobNotFound");
    let other = world.account().container(&"other".parse().unwrap());
    other.create(&Metadata::new()).unwrap();
    let mut metadata = Metadata::new();
    metadata.insert("shelf", "3").unwrap();
    other.set_metadata(&metadata, &always).unwrap();
    assert!(other.exists().unwrap());
    assert_eq!(other.properties().unwrap().metadata, metadata);
    let all = world
        .account()
        .list_containers(&ListContainers::default())
        .unwrap();
    assert_eq!(all.containers.len(), 2);
    other.delete(&always).unwrap();
    let nowhere = other
        .download(&blob("x"), &DownloadOptions::default(), Vec::new())
        .unwrap_err();
    assert_eq!(
        nowhere.code(),
        "ContainerNotFound",
        "the container comes before the key"
    );
}

/// Takes access away by `revoke`, gives it back by `restore`.
#[track_caller]
fn check(code: &str, revoke: impl Fn(&World), restore: impl Fn(&World)) {
    let world = World::customer();
    let mut scene = Scene::new(&world);
    revoke(&world);
    stopped("a download not begun", scene.fresh.read(&mut [0; 10]), code);
    stopped("a download begun", scene.begun.read(&mut [0; 10]), code);
    blocked("an upload begun", scene.upload.write(b"more"), code);
    check_blocked(&scene.container, code);
    check_allowed(&world, &scene.container);
    restore(&world);
    let mut out = Vec::new();
    let properties = scene
        .container
        .download(&blob("kept"), &DownloadOptions::default(), &mut out)
        .unwrap();
    assert!(out == content());
    assert_eq!(properties.metadata.unwrap().get("colour"), Some("blue"));
    assert_eq!(properties.headers.content_type, "text/plain");
    stopped(
        "a download after the restore",
        scene.fresh.read(&mut [0; 10]),
        KEY_NOT_FOUND,
    );
    stopped(
        "a download after the restore",
        scene.begun.read(&mut [0; 10]),
        KEY_NOT_FOUND,
    );
    blocked(
        "an upload after the restore",
        scene.upload.write(b"more"),
        KEY_NOT_FOUND,
    );
    blocked(
        "an upload after the restore",
        scene.upload.commit(),
        KEY_NOT_FOUND,
    );
    assert!(!scene.container.blob_exists(&blob("new")).unwrap());
    scene
        .container
        .upload(&blob("new"), &b"new"[..], with_metadata())
        .unwrap();
}

#[test]
fn a_disabled_version() {
    let enable = |world: &World, enabled| world.enable_key(&world.current(VAULT, KEY), enabled);
    check(
        KEY_NOT_FOUND,
        |world| enable(world, false),
        |world| enable(world, true),
    );
}

#[test]
fn a_deleted_key() {
    let name = || KEY.parse().unwrap();
    check(
        KEY_NOT_FOUND,
        |world| {
            world
                .vaults
                .store()
                .delete_key(&world.token(), &vault(VAULT), &name())
                .unwrap();
        },
        |world| {
            world
                .vaults
                .store()
                .recover_key(&world.token(), &vault(VAULT), &name())
                .unwrap();
        },
    );
}

#[test]
fn a_removed_policy() {
    check(
        KEY_NOT_FOUND,
        |world| world.revoke(VAULT, world.principal()),
        |world| world.grant(VAULT, world.principal(), &NEEDED),
    );
}

#[test]
fn a_missing_permission() {
    for left in [["get", "wrapKey"], ["wrapKey", "unwrapKey"]] {
        check(
            KEY_NOT_FOUND,
            |world| world.grant(VAULT, world.principal(), &left),
            |world| world.grant(VAULT, world.principal(), &NEEDED),
        );
    }
}

#[test]
fn a_deleted_vault() {
    check(
        VAULT_NOT_FOUND,
        |world| {
            world
                .vaults
                .store()
                .delete_vault(&world.token(), &vault(VAULT))
                .unwrap();
        },
        |world| {
            world
                .vaults
                .store()
                .recover_vault(&world.token(), &vault(VAULT))
                .unwrap();
        },
    );
}

#[test]
fn a_removed_identity() {
    check(
        NO_TOKEN,
        |world| world.account().remove_identity().unwrap(),
        |world| {
            let identity = world.account().assign_identity().unwrap();
            world.grant(VAULT, identity.principal_id, &NEEDED);
        },
    );
}

#[test]
fn a_missing_wrap_permission_blocks_no_data() {
    let world = World::customer();
    let mut scene = Scene::new(&world);
    world.grant(VAULT, world.principal(), &["get", "unwrapKey"]);
    let mut rest = Vec::new();
    scene.begun.read_to_end(&mut rest).unwrap();
    assert_eq!(rest.len(), LENGTH - 100);
    scene.upload.write(b"more").unwrap();
    scene.upload.commit().unwrap();
    scene
        .container
        .blob_properties(&blob("new"), &Conditions::default())
        .unwrap();
}

#[test]
fn an_upload_refused_at_its_commit_is_not_visible() {
    let world = World::customer();
    let scene = Scene::new(&world);
    world.enable_key(&world.current(VAULT, KEY), false);
    blocked("a commit", scene.upload.commit(), KEY_NOT_FOUND);
    let page = scene.container.list_blobs(&ListBlobs::default()).unwrap();
    assert_eq!(page.blobs().count(), 2);
}

#[test]
fn a_reader_that_revokes_in_the_middle_stops_its_own_upload() {
    struct Revoking<'a>(&'a World, usize);
    impl Read for Revoking<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.1 += 1;
            if self.1 == 3 {
                self.0.enable_key(&self.0.current(VAULT, KEY), false);
            }
            Ok(if self.1 > 20 { 0 } else { out.len() })
        }
    }
    let world = World::customer();
    let scene = Scene::new(&world);
    let upload = scene
        .container
        .upload(&blob("other"), Revoking(&world, 0), UploadOptions::default());
    blocked("an upload", upload, KEY_NOT_FOUND);
}
