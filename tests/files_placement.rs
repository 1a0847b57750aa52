//! Bodies in files of their own: the same store in every respect, and the files are those of the bodies there
//! are.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of a test may fail loudly"
)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{KEY, VAULT, World};
use strongroom::engine::SystemEntropy;
use strongroom::{
    BlobName, BlobSource, BlockId, Conditions, Container, CopyOptions, DownloadOptions, ErrorKind, KeyFile,
    ListedBlock, Metadata, Placement, PutBlockListOptions, PutBlockOptions, Settings, Store, UploadOptions,
};

/// Not small, and of several chunks.
const LENGTH: usize = 300_000;

struct Placed {
    world: World,
    store: Store,
}

fn settings(placement: Placement) -> Settings {
    let mut settings = Settings::default();
    settings.placement = placement;
    settings
}

impl Placed {
    fn new() -> Self {
        let world = World::prepared();
        let key = KeyFile::create(&world.directory.path().join("placed.key"), &SystemEntropy).unwrap();
        let store = Store::builder(world.directory.path().join("placed"), key)
            .clock(world.clock.clone())
            .vaults(&world.vaults)
            .settings(settings(Placement::Files))
            .init()
            .unwrap();
        let account = store.create_account(&world.new_account("placed")).unwrap();
        let identity = account.assign_identity().unwrap();
        world.grant(VAULT, identity.principal_id, &common::NEEDED);
        let container = account.container(&"box".parse().unwrap());
        container.create(&Metadata::new()).unwrap();
        Self { world, store }
    }

    fn reopen(&mut self) {
        self.store.close().unwrap();
        self.store = self.open().unwrap();
    }

    /// With other settings: a store that is there keeps to its own placement.
    fn open(&self) -> Result<Store, strongroom::Error> {
        Store::builder(self.path("placed"), self.key("placed.key"))
            .clock(self.world.clock.clone())
            .vaults(&self.world.vaults)
            .settings(settings(Placement::Engine))
            .open()
    }

    fn key(&self, file: &str) -> KeyFile {
        KeyFile::read(&self.path(file)).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.world.directory.path().join(name)
    }

    fn container(&self) -> Container {
        let account = self.store.account(&"placed".parse().unwrap()).unwrap();
        account.container(&"box".parse().unwrap())
    }

    /// The files of bodies.
    fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        walk(&self.world.directory.path().join("placed/bodies"), &mut found);
        found
    }

    /// Has everything done that waits for being deleted, which opening does at once.
    fn settle(&mut self) {
        while !self.store.maintain().unwrap().done {}
        self.reopen();
    }
}

fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => walk(&path, found),
            false => found.push(path),
        }
    }
}

fn name(text: &str) -> BlobName {
    text.parse().unwrap()
}

fn content(seed: u8) -> Vec<u8> {
    (0..LENGTH).map(|at| (at * 7 + at / 4096) as u8 ^ seed).collect()
}

fn put(container: &Container, text: &str, seed: u8) {
    container
        .upload(&name(text), content(seed).as_slice(), UploadOptions::default())
        .unwrap();
}

fn get(container: &Container, text: &str) -> Result<Vec<u8>, strongroom::Error> {
    let mut out = Vec::new();
    container.download(&name(text), &DownloadOptions::default(), &mut out)?;
    Ok(out)
}

#[test]
fn files_come_and_go_with_the_bodies() {
    let mut placed = Placed::new();
    let container = placed.container();
    let small = container.upload(&name("small"), &b"small"[..], UploadOptions::default());
    small.unwrap();
    assert_eq!(placed.files().len(), 0, "small bodies travel with their commit");
    put(&container, "a", 1);
    put(&container, "b", 2);
    assert_eq!(placed.files().len(), 2);
    let copied = container.copy_blob(
        &name("copy"),
        &BlobSource::new(&container, name("a")),
        &CopyOptions::default(),
    );
    copied.unwrap();
    put(&container, "b", 3);
    placed.settle();
    let container = placed.container();
    assert_eq!(
        placed.files().len(),
        2,
        "shared by the copy; the old one of b is gone"
    );
    container.delete_blob(&name("a"), &Conditions::default()).unwrap();
    placed.settle();
    assert_eq!(placed.files().len(), 2, "the copy still needs it");
    placed.reopen();
    let container = placed.container();
    assert!(get(&container, "copy").unwrap() == content(1));
    assert!(get(&container, "b").unwrap() == content(3));
    put(&container, "c", 4);
    assert_eq!(placed.files().len(), 3, "still in files");
    for text in ["copy", "b", "c"] {
        container
            .delete_blob(&name(text), &Conditions::default())
            .unwrap();
    }
    placed.settle();
    assert!(placed.container().exists().unwrap());
    assert_eq!(placed.files().len(), 0);
    let scrubbed = placed.store.scrub(None, |_| ()).unwrap();
    assert_eq!((scrubbed.damage.len(), scrubbed.leftovers), (0, 0));
}

#[test]
fn the_maintenance_deletes_what_was_released() {
    let placed = Placed::new();
    let container = placed.container();
    let names = ["a", "b", "c", "d", "e"];
    for text in names {
        put(&container, text, 1);
    }
    for text in names {
        container
            .delete_blob(&name(text), &Conditions::default())
            .unwrap();
    }
    // A body waits until one more commit is durable.
    let small = container.upload(&name("small"), &b"small"[..], UploadOptions::default());
    small.unwrap();
    while !placed.store.maintain().unwrap().done {}
    assert_eq!(placed.files().len(), 0);
}

/// A store whose bodies are gone would show its blobs and give none of them, and take new ones elsewhere.
#[test]
fn a_store_without_its_directory_of_bodies_is_refused() {
    let mut placed = Placed::new();
    put(&placed.container(), "a", 1);
    let new = KeyFile::create(&placed.path("new.key"), &SystemEntropy).unwrap();
    for changed in [false, true] {
        placed.store.close().unwrap();
        let (there, away) = (placed.path("placed/bodies"), placed.path("away"));
        fs::rename(&there, &away).unwrap();
        for is_file in [false, true] {
            if is_file {
                fs::write(&there, "no directory").unwrap();
            }
            let refused = placed.open().err().unwrap();
            assert_eq!(
                (refused.kind(), refused.code()),
                (ErrorKind::Corrupt, "BodiesMissing")
            );
            assert!(refused.what_to_do().unwrap().contains("put the directory back"));
            assert_eq!(there.exists(), is_file, "nothing was made");
        }
        fs::remove_file(&there).unwrap();
        fs::rename(&away, &there).unwrap();
        placed.store = placed.open().unwrap();
        assert!(get(&placed.container(), "a").unwrap() == content(1));
        if !changed {
            // The header is written again, and still knows.
            let old = placed.key("placed.key");
            placed.store.change_platform_key(&old, &new).unwrap();
            fs::copy(placed.path("new.key"), placed.path("placed.key")).unwrap();
        }
    }
}

#[test]
fn a_directory_named_bodies_does_not_move_the_bodies_of_a_store() {
    let world = World::prepared();
    world.store.close().unwrap();
    fs::create_dir(world.data().join("bodies")).unwrap();
    let store = world.options().open().unwrap();
    let account = store.create_account(&world.new_account("another")).unwrap();
    let container = account.container(&"box".parse().unwrap());
    container.create(&Metadata::new()).unwrap();
    put(&container, "a", 1);
    assert_eq!(fs::read_dir(world.data().join("bodies")).unwrap().count(), 0);
    assert!(get(&container, "a").unwrap() == content(1));
}

#[test]
fn blocks_and_uploads_that_are_given_up_leave_no_file() {
    let mut placed = Placed::new();
    let container = placed.container();
    let ids: Vec<_> = (0..3_u8).map(|number| BlockId::new(&[number]).unwrap()).collect();
    for (seed, id) in (0..).zip(&ids) {
        let options = PutBlockOptions::default();
        container
            .put_block(&name("blocks"), id, content(seed).as_slice(), &options)
            .unwrap();
    }
    let list = [
        ListedBlock::Latest(ids[2].clone()),
        ListedBlock::Latest(ids[0].clone()),
    ];
    container
        .put_block_list(&name("blocks"), &list, &PutBlockListOptions::default())
        .unwrap();
    let mut upload = container
        .begin_upload(&name("given-up"), UploadOptions::default())
        .unwrap();
    upload.write(&vec![7; 2 << 20]).unwrap();
    drop(upload);
    placed.settle();
    let container = placed.container();
    assert_eq!(placed.files().len(), 2, "two blocks");
    assert!(get(&container, "blocks").unwrap() == [content(2), content(0)].concat());
    // What a crash leaves under way is found when the store is opened.
    let mut upload = container
        .begin_upload(&name("cut-short"), UploadOptions::default())
        .unwrap();
    upload.write(&vec![7; 2 << 20]).unwrap();
    std::mem::forget(upload);
    assert_eq!(placed.files().len(), 3);
    placed.reopen();
    assert!(
        placed.container().exists().unwrap(),
        "an account is opened when it is used"
    );
    assert_eq!(placed.files().len(), 2);
}

#[test]
fn an_account_deleted_during_an_upload_leaves_no_file_and_the_others_go_on() {
    let placed = Placed::new();
    let new = placed.world.new_account("deleted");
    let account = placed.store.create_account(&new).unwrap();
    let container = account.container(&"box".parse().unwrap());
    container.create(&Metadata::new()).unwrap();
    let mut upload = container
        .begin_upload(&name("under-way"), UploadOptions::default())
        .unwrap();
    upload.write(&vec![7; 4 << 20]).unwrap();
    placed.store.delete_account(&new.name).unwrap();
    let failed = upload
        .write(&vec![7; 4 << 20])
        .and_then(|()| upload.commit().map(drop));
    assert_eq!(failed.unwrap_err().code(), "ResourceNotFound");
    assert_eq!(placed.files().len(), 0);
    let container = placed.container();
    put(&container, "a", 1);
    assert!(get(&container, "a").unwrap() == content(1));
    assert_eq!(placed.files().len(), 1);
}

#[test]
fn revocation_and_damage_are_what_they_are_elsewhere() {
    let placed = Placed::new();
    let container = placed.container();
    put(&container, "a", 1);
    let account = placed.store.account(&"placed".parse().unwrap()).unwrap();
    let key = placed.world.current(VAULT, KEY);
    account.use_customer_key(&common::pinned(&key)).unwrap();
    placed.world.enable_key(&key, false);
    assert_eq!(
        get(&container, "a").unwrap_err().kind(),
        ErrorKind::KeyUnavailable
    );
    placed.world.enable_key(&key, true);
    assert!(get(&container, "a").unwrap() == content(1));
    let file = placed.files().pop().unwrap();
    let whole = fs::read(&file).unwrap();
    let plain = content(1);
    assert!(!whole.windows(64).any(|part| part == &plain[..64]), "sealed");
    for damage in [
        |bytes: &mut Vec<u8>| bytes.truncate(200_000),
        |bytes: &mut Vec<u8>| bytes[100_000] ^= 1,
        |bytes: &mut Vec<u8>| bytes.truncate(3),
    ] {
        let mut bytes = whole.clone();
        damage(&mut bytes);
        fs::write(&file, &bytes).unwrap();
        let found = placed.store.scrub(None, |_| ()).unwrap();
        assert_eq!(found.damage.len(), 1, "{found:?}");
        assert!(get(&container, "a").is_err());
    }
    fs::write(&file, &whole).unwrap();
    assert!(get(&container, "a").unwrap() == content(1));
}
