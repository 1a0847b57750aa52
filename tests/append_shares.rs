//! Append blobs that share a beginning go on apart, wherever they part, and what an append writes depends
//! neither on how long the blob is nor on what shares it.
//!
//! The longer blob has 1,000 blocks, or `STRONGROOM_APPENDS`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test may fail loudly, and the figures are wanted"
)]

mod blob_world;

use blob_world::{BlobWorld, blob};
use strongroom::{
    AppendBlockOptions, BlobSource, BlobVersionRef, ByteRange, Container, CopyOptions, CreateBlobOptions,
    DeleteBlobOptions, DeleteSnapshots, DownloadOptions, SnapshotOptions, Timestamp,
};

/// Entries of one part of a manifest: the cost of an append goes up and down with it.
const PART: usize = 64;

/// A blob and what it must hold.
struct Log<'a> {
    container: &'a Container,
    name: &'static str,
    holds: Vec<u8>,
}

impl<'a> Log<'a> {
    fn new(container: &'a Container, name: &'static str) -> Self {
        let options = CreateBlobOptions::default();
        container.create_append_blob(&blob(name), &options).unwrap();
        Self {
            container,
            name,
            holds: Vec::new(),
        }
    }

    /// Blocks of one to three bytes.
    fn append(&mut self, blocks: usize, seed: u8) {
        for number in 0..blocks {
            let block = vec![seed.wrapping_add(number as u8); 1 + number % 3];
            let options = AppendBlockOptions {
                position: Some(self.holds.len() as u64),
                ..AppendBlockOptions::default()
            };
            self.container
                .append_block(&blob(self.name), block.as_slice(), &options)
                .unwrap();
            self.holds.extend(block);
        }
    }

    fn snapshot(&self) -> Timestamp {
        let options = SnapshotOptions::default();
        let taken = self.container.snapshot_blob(&blob(self.name), &options);
        taken.unwrap().snapshot
    }

    /// Another one that begins as a state of this one.
    fn copy(&self, name: &'static str, (which, length): (BlobVersionRef, usize)) -> Self {
        let source = BlobSource {
            which,
            ..BlobSource::new(self.container, blob(self.name))
        };
        self.container
            .start_copy(&blob(name), &source, &CopyOptions::default())
            .unwrap();
        Self {
            container: self.container,
            name,
            holds: self.holds[..length].to_vec(),
        }
    }

    /// Reads all of a state that has the first bytes of this one, from several positions.
    #[track_caller]
    fn check(&self, which: BlobVersionRef, length: usize) {
        let holds = &self.holds[..length];
        for start in (0..length).step_by(29).chain([length - 1]) {
            let options = DownloadOptions {
                which,
                range: ByteRange::from(start as u64),
                ..DownloadOptions::default()
            };
            let mut out = Vec::new();
            self.container
                .download(&blob(self.name), &options, &mut out)
                .unwrap();
            assert!(out == holds[start..], "{} from {start} of {length}", self.name);
        }
    }

    fn delete(self) {
        let options = DeleteBlobOptions {
            snapshots: DeleteSnapshots::Include,
            ..DeleteBlobOptions::default()
        };
        self.container.delete_blob(&blob(self.name), options).unwrap();
    }
}

#[test]
fn states_go_on_apart_wherever_they_part() {
    let world = BlobWorld::new();
    let container = world.container("logs");
    // The first content takes a number, and the record of the next one stays.
    let mut first = Log::new(&container, "first");
    first.append(5, 0);
    first.delete();
    let empty = world.records();
    for beginning in [1, 4, 5, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 5] {
        let mut one = Log::new(&container, "one");
        one.append(beginning, 1);
        let (taken, length) = (one.snapshot(), one.holds.len());
        let past = BlobVersionRef::Snapshot(taken);
        let mut two = one.copy("two", (BlobVersionRef::Base, length));
        one.append(3, 50);
        two.append(PART + 3, 100);
        let mut three = one.copy("three", (past, length));
        three.append(2, 150);
        for (log, which) in [(&one, BlobVersionRef::Base), (&one, past)] {
            let seen = if which == past { length } else { log.holds.len() };
            log.check(which, seen);
        }
        two.check(BlobVersionRef::Base, two.holds.len());
        three.check(BlobVersionRef::Base, three.holds.len());
        // Back to the snapshot, and on from there.
        let mut back = one.copy("one", (past, length));
        back.append(PART, 200);
        back.check(BlobVersionRef::Base, back.holds.len());
        back.check(past, length);
        assert!(world.store.scrub(None, |_| ()).unwrap().damage.is_empty());
        [two, back, three].into_iter().for_each(Log::delete);
        while !world.store.maintain().unwrap().done {}
        assert_eq!(world.records(), empty, "parted behind {beginning} blocks");
    }
}

#[test]
fn an_append_writes_as_much_whatever_the_length() {
    let appends = std::env::var("STRONGROOM_APPENDS").map_or(1_000, |text| text.parse().unwrap());
    let world = BlobWorld::new();
    let container = world.container("logs");
    let mut log = Log::new(&container, "log");
    let cost = |log: &mut Log<'_>, (blocks, what): (usize, &str)| {
        let before = world.store.stats().unwrap().writes;
        log.append(blocks, 0);
        let bytes = world.store.stats().unwrap().writes.since(&before).record_bytes / blocks as u64;
        println!("an append {what}: {bytes} bytes");
        bytes
    };
    // What it costs in the same tree, which is deeper the more there is, without length or sharing.
    let cost_of_new = |name| {
        let mut new = Log::new(&container, name);
        new.append(PART, 0);
        cost(&mut new, (PART, "to 64 blocks of a new blob"))
    };
    log.append(appends, 0);
    let new = cost_of_new("before");
    let long = cost(&mut log, (PART, &format!("to {appends} blocks")));
    log.snapshot();
    let shared = cost(&mut log, (PART, "after a snapshot"));
    let mut other = log.copy("other", (BlobVersionRef::Base, log.holds.len()));
    let copied = cost(&mut other, (PART, "to a copy"));
    cost(&mut log, (1, "that parts the blob from a copy that has grown"));
    let apart = cost(&mut log, (PART, "after that"));
    let newer = cost_of_new("after");
    for (what, bytes, wanted) in [
        ("many appends", long, new),
        ("a snapshot", shared, new),
        ("a copy", copied, new),
        ("parting", apart, newer),
    ] {
        assert!(
            bytes < wanted + wanted / 2,
            "after {what} {bytes} and not {wanted}"
        );
    }
}
