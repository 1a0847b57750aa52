//! Planted damage is found by a scrub and named exactly, with the account's key and while it is revoked.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use common::{ACCOUNT, KEY, NEEDED, VAULT, World, pinned};
use strongroom::engine::codec::{FrameKind, frame};
use strongroom::engine::engine::memory::MemoryEngine;
use strongroom::engine::engine::{
    Batch, Capabilities, Durability, Engine, EngineError, EngineStats, KeyRange, Order, ScanOptions,
    ScanPage, Space,
};
use strongroom::{Account, Damage, Metadata, ScrubReport, Store, UploadOptions};

/// An engine that the test can reach into while a store uses it.
#[derive(Clone)]
struct Shared(Arc<MemoryEngine>);

impl Engine for Shared {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.0.get(space, key)
    }
    fn scan(&self, space: Space, range: &KeyRange, options: ScanOptions) -> Result<ScanPage, EngineError> {
        self.0.scan(space, range, options)
    }
    fn apply(&self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        self.0.apply(batch, durability)
    }
    fn sync(&self) -> Result<(), EngineError> {
        self.0.sync()
    }
    fn checkpoint(&self) -> Result<(), EngineError> {
        self.0.checkpoint()
    }
    fn stats(&self) -> Result<EngineStats, EngineError> {
        self.0.stats()
    }
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }
    fn close(&self) -> Result<(), EngineError> {
        self.0.close()
    }
}

impl Shared {
    fn records(&self, space: Space) -> Vec<(Vec<u8>, Vec<u8>)> {
        let options = ScanOptions {
            order: Order::Ascending,
            limit: usize::MAX,
            max_bytes: usize::MAX,
            keys_only: false,
        };
        self.0.scan(space, &KeyRange::all(), options).unwrap().entries
    }

    fn set(&self, space: Space, key: &[u8], value: Option<Vec<u8>>) {
        let batch = match value {
            Some(value) => Batch::new().put(space, key, value),
            None => Batch::new().delete(space, key),
        };
        self.0.apply(batch, Durability::Buffered).unwrap();
    }
}

const BLOBS: usize = 40;
/// The one that has chunks of its own.
const LARGE: &str = "large";

/// A store with two accounts of the same content: `photos` under a customer's key, `docs` under the
/// platform's.
fn world() -> (World, Shared) {
    let mut world = World::empty();
    world.store.close().unwrap();
    fs::remove_dir_all(world.data()).unwrap();
    let engine = Shared(Arc::new(MemoryEngine::new()));
    let options = Store::builder(world.data(), world.host_key())
        .clock(world.clock.clone())
        .vaults(&world.vaults)
        .engine(Box::new(engine.clone()));
    world.store = options.init().unwrap();
    world.make_vault(VAULT, |_| {});
    let key = world.make_key(VAULT, KEY);
    let account = world.store.create_account(&world.new_account(ACCOUNT)).unwrap();
    let identity = account.assign_identity().unwrap();
    world.grant(VAULT, identity.principal_id, &NEEDED);
    account.use_customer_key(&pinned(&key)).unwrap();
    fill(&account);
    fill(&world.store.create_account(&world.new_account("docs")).unwrap());
    (world, engine)
}

fn name_of(number: usize) -> String {
    format!("{number:03}/{}", "long".repeat(60))
}

fn fill(account: &Account) {
    let container = account.container(&"album".parse().unwrap());
    container.create(&Metadata::new()).unwrap();
    let upload = |name: &str, content: &[u8]| {
        let mut options = UploadOptions::default();
        options.metadata.insert("key", "value").unwrap();
        container
            .upload(&name.parse().unwrap(), content, options)
            .unwrap();
    };
    (0..BLOBS).for_each(|number| upload(&name_of(number), b"small content"));
    upload(LARGE, &vec![7; 200_000]);
    // Overwritten once, so that something is released.
    upload(&name_of(0), b"other content");
}

fn scrub(world: &World) -> ScrubReport {
    world.store.scrub(None, |_| {}).unwrap()
}

/// What is damaged: account, container, blob.
type Found = [Option<String>; 3];

fn places(damage: &[Damage]) -> Vec<Found> {
    let owned = |damage: &Damage| {
        [
            damage.account.clone(),
            damage.container.clone(),
            damage.blob.clone(),
        ]
    };
    damage.iter().map(owned).collect()
}

fn place(account: Option<&str>, container: Option<&str>, blob: Option<&str>) -> Found {
    [account, container, blob].map(|name| name.map(str::to_owned))
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Key {
    AtHand,
    Revoked,
}

/// Damages every record of `space` in turn, by flipping a bit and by removing it; what each showed.
fn check(space: Space, key: Key, wanted: impl Fn(&[u8]) -> bool) -> Vec<Found> {
    let (world, engine) = world();
    if key == Key::Revoked {
        world.enable_key(&world.current(VAULT, KEY), false);
    }
    let sound = scrub(&world);
    assert_eq!(sound.damage, []);
    assert_eq!(sound.leftovers, 0, "{sound:?}");
    let (opened, closed) = (sound.blobs_opened, sound.blobs_without_key);
    let each = BLOBS as u64 + 1;
    let want = if key == Key::Revoked {
        (each, each)
    } else {
        (2 * each, 0)
    };
    assert_eq!((opened, closed), want, "opened, and checked without a key");
    let mut found = Vec::new();
    for (record, value) in engine.records(space) {
        if !wanted(&value) {
            continue;
        }
        let mut flipped = value.clone();
        *flipped.last_mut().unwrap() ^= 4;
        engine.set(space, &record, Some(flipped));
        let after_flip = scrub(&world);
        engine.set(space, &record, None);
        let after_loss = scrub(&world);
        engine.set(space, &record, Some(value));
        let (flip, loss) = (places(&after_flip.damage), places(&after_loss.damage));
        // A freed list that is gone was carried out; any other loss shows like damage.
        if space != Space::FREED {
            assert_eq!(flip, loss, "{:?} {:?}", after_flip.damage, after_loss.damage);
        }
        assert!(flip.len() <= 1, "one record is damaged: {flip:?}");
        found.extend(flip);
    }
    assert_eq!(scrub(&world), sound, "everything is as it was");
    found
}

fn kind(kind: FrameKind) -> impl Fn(&[u8]) -> bool {
    move |bytes| bytes.get(1) == Some(&(kind as u8))
}

fn blob_places(names: impl Iterator<Item = String>) -> BTreeSet<Found> {
    names
        .flat_map(|name| [ACCOUNT, "docs"].map(|account| place(Some(account), Some("album"), Some(&name))))
        .collect()
}

#[test]
fn a_damaged_small_body_is_the_damage_of_its_blob() {
    for key in [Key::AtHand, Key::Revoked] {
        let found = check(Space::PAGES, key, kind(FrameKind::Chunk));
        let each_once: BTreeSet<_> = found.iter().cloned().collect();
        assert_eq!(found.len(), each_once.len());
        assert_eq!(each_once, blob_places((0..BLOBS).map(name_of)), "{key:?}");
    }
}

#[test]
fn a_damaged_chunk_is_the_damage_of_its_blob() {
    for key in [Key::AtHand, Key::Revoked] {
        let found = check(Space::CHUNKS, key, |_| true);
        assert_eq!(found.len(), 2 * 4, "{key:?}");
        let found: BTreeSet<_> = found.into_iter().collect();
        assert_eq!(found, blob_places([LARGE.to_owned()].into_iter()), "{key:?}");
    }
}

#[test]
fn a_damaged_page_head_or_list_is_the_damage_of_its_tree() {
    let trees = || -> BTreeSet<_> {
        [Some(ACCOUNT), Some("docs"), None]
            .map(|tree| place(tree, None, None))
            .into()
    };
    for key in [Key::AtHand, Key::Revoked] {
        let pages = check(Space::PAGES, key, kind(FrameKind::Page));
        assert!(pages.len() > 6, "several pages in use: {}", pages.len());
        assert_eq!(pages.into_iter().collect::<BTreeSet<_>>(), trees(), "{key:?}");
        let heads = check(Space::HEADS, key, |_| true);
        // The store's tree, and two of each account: its own and that of its envelope.
        assert_eq!(heads.len(), 5);
        assert_eq!(heads.into_iter().collect::<BTreeSet<_>>(), trees(), "{key:?}");
        let lists = check(Space::FREED, key, |_| true);
        assert!(!lists.is_empty());
        assert!(
            lists.into_iter().collect::<BTreeSet<_>>().is_subset(&trees()),
            "{key:?}"
        );
    }
}

#[test]
fn what_a_damaged_page_does_not_hide_is_still_checked() {
    let (world, engine) = world();
    let sound = scrub(&world);
    let mut partly = 0;
    for (record, value) in engine
        .records(Space::PAGES)
        .into_iter()
        .filter(|(_, value)| kind(FrameKind::Page)(value))
    {
        let mut flipped = value.clone();
        flipped[40] ^= 1;
        engine.set(Space::PAGES, &record, Some(flipped));
        let report = scrub(&world);
        partly +=
            u64::from(report.blobs_opened > BLOBS as u64 + 1 && report.blobs_opened < sound.blobs_opened);
        engine.set(Space::PAGES, &record, Some(value));
    }
    assert!(
        partly >= 4,
        "leaves in the middle hide their own blobs only: {partly}"
    );
}

/// What only the key can tell: a chunk that was replaced together with its checksum.
#[test]
fn a_forgery_is_found_with_the_key_only() {
    let (world, engine) = world();
    let (record, value) = engine.records(Space::CHUNKS).into_iter().next().unwrap();
    let mut payload = value[10..].to_vec();
    payload[0] ^= 1;
    engine.set(
        Space::CHUNKS,
        &record,
        Some(frame(FrameKind::Chunk, &payload).unwrap()),
    );
    let damage = scrub(&world).damage;
    assert_eq!(damage.len(), 1);
    let forged = damage[0].account.clone().unwrap();
    world.enable_key(&world.current(VAULT, KEY), false);
    let without_key = usize::from(forged == "docs");
    assert_eq!(scrub(&world).damage.len(), without_key);
    world.enable_key(&world.current(VAULT, KEY), true);
    assert_eq!(scrub(&world).damage, damage);
}

fn file(world: &World, folder: &str, ending: &str) -> PathBuf {
    let entries = fs::read_dir(world.data().join(folder)).unwrap();
    let mut paths = entries.map(|entry| entry.unwrap().path());
    paths
        .find(|path| path.to_string_lossy().ends_with(ending))
        .unwrap()
}

#[test]
fn damaged_files_beside_the_engine_are_named() {
    let (world, _) = world();
    let cases = [
        ("", "strongroom.header", place(None, None, None)),
        ("keys", ".onetime", place(Some("docs"), None, None)),
        ("keys", ".envelope", place(Some(ACCOUNT), None, None)),
    ];
    for key in [Key::AtHand, Key::Revoked] {
        world.enable_key(&world.current(VAULT, KEY), key == Key::AtHand);
        for (folder, ending, want) in &cases {
            let path = file(&world, folder, ending);
            let good = fs::read(&path).unwrap();
            for at in [0, 5, good.len() / 2, good.len() - 1] {
                let mut bad = good.clone();
                bad[at] ^= 1;
                fs::write(&path, bad).unwrap();
                assert_eq!(
                    places(&scrub(&world).damage),
                    std::slice::from_ref(want),
                    "{ending} at {at}"
                );
            }
            fs::write(&path, good).unwrap();
            assert_eq!(scrub(&world).damage, []);
        }
        let path = file(&world, "keys", ".onetime");
        let good = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(places(&scrub(&world).damage), [place(Some("docs"), None, None)]);
        fs::write(&path, good).unwrap();
    }
}

#[test]
fn what_nothing_refers_to_is_counted_and_is_no_damage() {
    let (world, engine) = world();
    assert_eq!(scrub(&world).leftovers, 0);
    let (page, _) = engine.records(Space::PAGES).into_iter().next().unwrap();
    let (chunk, _) = engine.records(Space::CHUNKS).into_iter().next().unwrap();
    let lost = |key: &[u8]| {
        let mut key = key.to_vec();
        key.iter_mut().rev().take(12).for_each(|byte| *byte = 0xa5);
        key
    };
    let plant = |space, key: &[u8], kind| engine.set(space, &lost(key), Some(frame(kind, b"lost").unwrap()));
    plant(Space::PAGES, &page, FrameKind::Page);
    assert_eq!(scrub(&world).leftovers, 1);
    engine.set(Space::PAGES, &lost(&page), None);
    plant(Space::PAGES, &page, FrameKind::Chunk);
    plant(Space::CHUNKS, &chunk, FrameKind::Chunk);
    let report = scrub(&world);
    assert_eq!((report.leftovers, report.damage), (2, vec![]));
}

#[test]
fn an_account_that_is_not_there_is_an_error() {
    let (world, _) = world();
    let refused = world
        .store
        .scrub(Some(&"nobody".parse().unwrap()), |_| {})
        .unwrap_err();
    assert_eq!(refused.code(), "ResourceNotFound");
    let mut calls = 0;
    let one = world
        .store
        .scrub(Some(&"docs".parse().unwrap()), |_| calls += 1)
        .unwrap();
    assert_eq!(
        (one.accounts, one.containers, one.blobs_opened),
        (1, 1, BLOBS as u64 + 1)
    );
    assert_eq!(calls, BLOBS + 1);
}
