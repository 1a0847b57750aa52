//! Invariants 1 and 2: a process killed with SIGKILL at any moment loses nothing it acknowledged and shows
//! nothing half done.
//!
//! The parent runs this same test program as a child that uploads, overwrites and deletes blobs and reports
//! each acknowledgement on its standard output; kills it after a chosen number of acknowledgements plus a
//! random pause; opens the store and compares. `STRONGROOM_KILLS` sets the number of kills for each engine
//! and placement of bodies (default 25).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may fail loudly"
)]

#[path = "../storage-engine/tests/common/tally.rs"]
mod tally;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use strongroom::engine::SystemEntropy;
use strongroom::engine::chunks::{ChunkStore, EngineChunks, FileChunks};
use strongroom::engine::engine::Engine;
use strongroom::{
    BlobName, Conditions, Container, DownloadOptions, EngineKind, KeyFile, ListBlobs, Metadata, NewAccount,
    Placement, Settings, Store, UploadOptions,
};

const CHILD: &str = "STRONGROOM_KILL_CHILD";
const BLOBS: u64 = 12;
/// Blobs of at most one chunk travel with their commit; larger ones have bodies in the chunk store.
const CHUNK_BYTES: u32 = 16 << 10;

/// A small generator, so that parent and child agree on what operation `number` does.
fn mix(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// What operation `number` does: the blob's name, and its new content, or `None` for a deletion.
fn operation(number: u64) -> (BlobName, Option<u64>) {
    let name = format!("blob-{}", mix(number) % BLOBS).parse().unwrap();
    (name, (!mix(number + 1).is_multiple_of(5)).then_some(number))
}

/// The content that upload `number` writes: 0 bytes to about 700 KiB.
fn content(number: u64) -> Vec<u8> {
    let length = match mix(number + 2) % 4 {
        0 => mix(number + 3) % 100,
        1 => mix(number + 3) % 5_000,
        2 => mix(number + 3) % 100_000,
        _ => mix(number + 3) % 700_000,
    };
    (0..length)
        .map(|i| (mix(number ^ (i / 8)) >> (8 * (i % 8))) as u8)
        .collect()
}

fn open(directory: &Path) -> (Store, Container) {
    let host_key = KeyFile::read(&directory.join("host.key")).unwrap();
    let mut settings = Settings::default();
    settings.chunk_bytes = CHUNK_BYTES;
    let store = Store::builder(directory.join("data"), host_key)
        .settings(settings)
        .open()
        .unwrap();
    let container = store
        .account(&"killed".parse().unwrap())
        .unwrap()
        .container(&"blobs".parse().unwrap());
    (store, container)
}

/// Runs in the child until it is killed.
fn work(directory: &Path, first: u64) -> ! {
    let (_store, container) = open(directory);
    let mut out = std::io::stdout();
    for number in first.. {
        writeln!(out, "begin {number}")
            .and_then(|()| out.flush())
            .unwrap();
        let (name, upload) = operation(number);
        match upload {
            Some(number) => drop(
                container
                    .upload(&name, content(number).as_slice(), UploadOptions::default())
                    .unwrap(),
            ),
            None => match container.delete_blob(&name, &Conditions::default()) {
                Err(error) if error.code() != "BlobNotFound" => panic!("{error}"),
                _ => {}
            },
        }
        writeln!(out, "done {number}").and_then(|()| out.flush()).unwrap();
    }
    unreachable!("the parent kills this process")
}

/// The child's numbers of the last operation begun and the last one acknowledged. The child is this test.
fn run_and_kill(
    (test, directory): (&str, &Path),
    first: u64,
    acknowledgements: u64,
    pause: Duration,
) -> (u64, Option<u64>) {
    let mut child: Child = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(CHILD, format!("{first} {}", directory.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let (mut begun, mut done) = (first, None);
    let mut take = |line: &str| {
        if let Some(number) = line.trim().strip_prefix("begin ") {
            begun = number.parse().unwrap();
        } else if let Some(number) = line.trim().strip_prefix("done ") {
            done = Some(number.parse().unwrap());
        }
        done.map_or(0, |done: u64| done + 1 - first)
    };
    let mut line = String::new();
    while {
        line.clear();
        assert_ne!(
            lines.read_line(&mut line).unwrap(),
            0,
            "the child ended by itself"
        );
        take(&line) < acknowledgements
    } {}
    std::thread::sleep(pause);
    child.kill().unwrap();
    child.wait().unwrap();
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    // A last line without its end was cut by the kill: the acknowledgement in it was never given.
    for whole in rest.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        take(whole);
    }
    (begun, done)
}

/// Every visible blob with the number of the upload whose content it is.
fn visible(container: &Container) -> BTreeMap<String, u64> {
    let page = container.list_blobs(&ListBlobs::default()).unwrap();
    page.blobs()
        .map(|blob| {
            let mut bytes = Vec::new();
            container
                .download(&blob.name, &DownloadOptions::default(), &mut bytes)
                .unwrap();
            (blob.name.as_str().to_owned(), bytes)
        })
        .map(|(name, bytes)| (name.clone(), owner(&name, &bytes)))
        .collect()
}

/// Name and content of an upload, and its number.
type Tried = BTreeMap<(String, Vec<u8>), u64>;

thread_local! {
    /// Content of every upload tried so far, so that a blob is recognised by all of its bytes.
    static TRIED: RefCell<Tried> = const { RefCell::new(BTreeMap::new()) };
}

fn owner(name: &str, bytes: &[u8]) -> u64 {
    let found = TRIED.with_borrow(|tried| tried.get(&(name.to_owned(), bytes.to_vec())).copied());
    found.unwrap_or_else(|| panic!("{name} has {} bytes that no upload wrote", bytes.len()))
}

fn remember(from: u64, to: u64) {
    for number in from..=to {
        if let (name, Some(upload)) = operation(number) {
            TRIED.with_borrow_mut(|tried| tried.insert((name.as_str().to_owned(), content(upload)), upload));
        }
    }
}

/// Bodies that have chunks on disk, as the engine itself tells, or the files.
fn bodies(directory: &Path) -> usize {
    let files = directory.join("data/bodies");
    if files.is_dir() {
        return FileChunks::open(files)
            .unwrap()
            .list(&[], None, usize::MAX)
            .unwrap()
            .len();
    }
    let engine = directory.join("data/engine");
    let kind = EngineKind::of(&engine).unwrap().unwrap();
    let engine: Arc<dyn Engine> = kind.open(&engine, 1 << 20).unwrap().into();
    let bodies = EngineChunks::new(engine.clone())
        .list(&[], None, usize::MAX)
        .unwrap()
        .len();
    engine.close().unwrap();
    bodies
}

fn replay(state: &mut BTreeMap<String, u64>, from: u64, to: u64) {
    for number in from..=to {
        let (name, upload) = operation(number);
        match upload {
            Some(upload) => state.insert(name.as_str().to_owned(), upload),
            None => state.remove(name.as_str()),
        };
    }
}

/// Contents of equal bytes (two empty blobs, say) count as the same upload.
fn canonical(state: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    state
        .iter()
        .map(|(name, &upload)| (name.clone(), owner(name, &content(upload))))
        .collect()
}

#[test]
fn a_killed_process_loses_nothing() {
    let made = (EngineKind::Sled, Placement::Engine);
    check("a_killed_process_loses_nothing", made);
}

#[cfg(feature = "fjall")]
#[test]
fn a_killed_process_loses_nothing_on_fjall() {
    let made = (EngineKind::Fjall, Placement::Engine);
    check("a_killed_process_loses_nothing_on_fjall", made);
}

#[test]
fn a_killed_process_loses_nothing_with_bodies_in_files() {
    check(
        "a_killed_process_loses_nothing_with_bodies_in_files",
        (EngineKind::Sled, Placement::Files),
    );
}

fn check(test: &str, (engine, placement): (EngineKind, Placement)) {
    if let Ok(child) = std::env::var(CHILD) {
        let (first, directory) = child.split_once(' ').unwrap();
        work(Path::new(directory), first.parse().unwrap());
    }
    let kills = std::env::var("STRONGROOM_KILLS").map_or(25, |kills| kills.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let key = KeyFile::create(&directory.path().join("host.key"), &SystemEntropy).unwrap();
    let mut settings = Settings::default();
    settings.engine = engine;
    settings.placement = placement;
    let store = Store::builder(directory.path().join("data"), key)
        .settings(settings)
        .init()
        .unwrap();
    let tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47".parse().unwrap();
    let new = NewAccount::new("killed".parse().unwrap(), tenant, "westus".parse().unwrap());
    store
        .create_account(&new)
        .unwrap()
        .container(&"blobs".parse().unwrap())
        .create(&Metadata::new())
        .unwrap();
    store.close().unwrap();

    let (mut state, mut next, mut acknowledged, mut caught_midway) = (BTreeMap::new(), 0, 0, 0);
    for kill in 0..kills {
        let pause = Duration::from_micros(mix(kill) % 9_000);
        let (begun, done) = run_and_kill((test, directory.path()), next, 1 + mix(kill) % 8, pause);
        remember(next, begun);
        let mut without = state.clone();
        if let Some(done) = done {
            replay(&mut without, next, done);
            acknowledged += done + 1 - next;
        }
        let mut with = without.clone();
        replay(&mut with, done.map_or(next, |done| done + 1), begun);
        let (store, container) = open(directory.path());
        let found = visible(&container);
        let (without, with) = (canonical(&without), canonical(&with));
        assert!(
            found == without || found == with,
            "kill {kill}: found {found:?}, expected {without:?} or {with:?}"
        );
        caught_midway += u64::from(done != Some(begun));
        let scrub = store.scrub(None, |_| {}).unwrap();
        assert!(scrub.damage.is_empty(), "kill {kill}: {:?}", scrub.damage);
        store.close().unwrap();
        let live = found
            .values()
            .filter(|&&upload| content(upload).len() > CHUNK_BYTES as usize)
            .count();
        assert_eq!(
            bodies(directory.path()),
            live,
            "kill {kill}: space of dead uploads was not returned"
        );
        (state, next) = (found, begun + 1);
    }
    let subject = format!("{engine:?}, bodies in {placement:?}").to_lowercase();
    let counts = [
        ("kills", kills),
        ("acknowledged", acknowledged),
        ("killed midway", caught_midway),
    ];
    tally::tally("R1", &subject, &counts, 0);
    assert!(
        caught_midway > 0,
        "no kill hit an operation midway: the test shows nothing"
    );
}
