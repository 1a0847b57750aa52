//! Page blobs against plain memory: content, ranges and differences are those of a list of pages, whatever is
//! written, cleared, resized, snapshot and deleted, and nothing is left when everything is gone.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of a test may fail loudly"
)]

mod blob_world;

use std::time::Duration;

use blob_world::{BlobWorld, blob};
use proptest::prelude::*;
use strongroom::{
    BlobVersionRef, Conditions, Container, CreateBlobOptions, DeleteBlobOptions, DeleteSnapshots,
    DownloadOptions, ListPageRanges, PageRange, PutPagesOptions, SnapshotOptions, Timestamp,
};

const PAGE: u64 = 512;
/// A span and a half.
const PAGES_MAX: u64 = 768;

/// What was written to a page: the number of the write, from 1.
type Pages = Vec<Option<u8>>;

#[derive(Clone, Debug)]
enum Op {
    Put { first: u64, count: u64 },
    Clear { first: u64, count: u64 },
    Resize(u64),
    Snapshot,
    DeleteSnapshot(usize),
    Maintain,
}

fn op() -> impl Strategy<Value = Op> {
    let range = || {
        let count = prop_oneof![3 => 1..8_u64, 1 => 200..600_u64];
        (0..PAGES_MAX, count)
    };
    prop_oneof![
        6 => range().prop_map(|(first, count)| Op::Put { first, count }),
        3 => range().prop_map(|(first, count)| Op::Clear { first, count }),
        1 => (1..PAGES_MAX).prop_map(Op::Resize),
        3 => Just(Op::Snapshot),
        2 => (0..3_usize).prop_map(Op::DeleteSnapshot),
        2 => Just(Op::Maintain),
    ]
}

struct Model {
    world: BlobWorld,
    container: Container,
    pages: Pages,
    snapshots: Vec<(Timestamp, Pages)>,
}

impl Model {
    fn new() -> Self {
        let world = BlobWorld::new();
        let container = world.container("disks");
        let options = CreateBlobOptions::default();
        container
            .create_page_blob(&blob("disk"), (PAGES_MAX * PAGE, 0), &options)
            .unwrap();
        Self {
            world,
            container,
            pages: vec![None; PAGES_MAX as usize],
            snapshots: Vec::new(),
        }
    }

    fn run(&mut self, number: u8, op: &Op) {
        let length = self.pages.len() as u64;
        let cut = |first: u64, count: u64| (first.min(length - 1), count.min(length - first.min(length - 1)));
        match *op {
            Op::Put { first, count } => {
                let (first, count) = cut(first, count);
                let content = vec![number; (count * PAGE) as usize];
                let range = (first * PAGE, count * PAGE);
                let options = PutPagesOptions::default();
                let put = self
                    .container
                    .put_pages(&blob("disk"), range, content.as_slice(), &options);
                put.unwrap();
                self.pages[first as usize..][..count as usize].fill(Some(number));
            }
            Op::Clear { first, count } => {
                let (first, count) = cut(first, count);
                let range = (first * PAGE, count * PAGE);
                let options = PutPagesOptions::default();
                self.container
                    .clear_pages(&blob("disk"), range, &options)
                    .unwrap();
                self.pages[first as usize..][..count as usize].fill(None);
            }
            Op::Resize(pages) => {
                let conditions = Conditions::default();
                let length = pages * PAGE;
                self.container
                    .resize_page_blob(&blob("disk"), length, &conditions)
                    .unwrap();
                self.pages.resize(pages as usize, None);
            }
            Op::Snapshot => {
                self.world.clock.advance(Duration::from_secs(1));
                let options = SnapshotOptions::default();
                let taken = self.container.snapshot_blob(&blob("disk"), &options).unwrap();
                self.snapshots.push((taken.snapshot, self.pages.clone()));
            }
            Op::DeleteSnapshot(which) if which < self.snapshots.len() => {
                let (time, _) = self.snapshots.remove(which);
                let options = DeleteBlobOptions {
                    which: BlobVersionRef::Snapshot(time),
                    ..DeleteBlobOptions::default()
                };
                self.container.delete_blob(&blob("disk"), options).unwrap();
            }
            Op::DeleteSnapshot(_) => {}
            Op::Maintain => drop(self.world.store.maintain().unwrap()),
        }
    }

    fn check(&self) {
        self.check_state(BlobVersionRef::Base, &self.pages);
        for (time, pages) in &self.snapshots {
            self.check_state(BlobVersionRef::Snapshot(*time), pages);
            let found = self.ranges(BlobVersionRef::Base, Some(*time));
            let before = |page: usize| pages.get(page).copied().flatten();
            let differs = |page: usize| self.pages[page] != before(page);
            assert_eq!(found, gather(&self.pages, differs), "since {time:?}");
        }
    }

    fn check_state(&self, which: BlobVersionRef, pages: &Pages) {
        let options = DownloadOptions {
            which,
            ..DownloadOptions::default()
        };
        let mut out = Vec::new();
        self.container
            .download(&blob("disk"), &options, &mut out)
            .unwrap();
        assert_eq!(out.len() as u64, pages.len() as u64 * PAGE);
        for (page, bytes) in pages.iter().zip(out.chunks(PAGE as usize)) {
            assert!(bytes.iter().all(|byte| *byte == page.unwrap_or(0)), "{which:?}");
        }
        let written = |page: usize| pages[page].is_some();
        assert_eq!(self.ranges(which, None), gather(pages, written), "{which:?}");
    }

    fn ranges(&self, which: BlobVersionRef, since: Option<Timestamp>) -> Vec<PageRange> {
        let options = ListPageRanges {
            which,
            since,
            ..ListPageRanges::default()
        };
        self.container
            .page_ranges(&blob("disk"), &options)
            .unwrap()
            .ranges
    }

    /// Deletes everything: no record and no body may stay.
    fn end(self, records: u64) {
        let options = DeleteBlobOptions {
            snapshots: DeleteSnapshots::Include,
            ..DeleteBlobOptions::default()
        };
        self.container.delete_blob(&blob("disk"), options).unwrap();
        while !self.world.store.maintain().unwrap().done {}
        // The counter of content ids stays.
        assert_eq!(self.world.records(), records + 1);
        let report = self.world.store.scrub(None, |_| ()).unwrap();
        assert_eq!((report.damage.len(), report.leftovers), (0, 0), "{report:?}");
    }
}

/// The pages for which `wanted` holds, as ranges.
fn gather(pages: &Pages, wanted: impl Fn(usize) -> bool) -> Vec<PageRange> {
    let mut ranges: Vec<PageRange> = Vec::new();
    for page in (0..pages.len()).filter(|page| wanted(*page)) {
        let (start, is_written) = (page as u64 * PAGE, pages[page].is_some());
        match ranges.last_mut() {
            Some(last) if last.is_written == is_written && last.start + last.length == start => {
                last.length += PAGE;
            }
            _ => ranges.push(PageRange {
                start,
                length: PAGE,
                is_written,
            }),
        }
    }
    ranges
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn a_page_blob_is_a_list_of_pages(ops in prop::collection::vec(op(), 1..40)) {
        let empty = {
            let world = BlobWorld::new();
            world.container("disks");
            world.records()
        };
        let mut model = Model::new();
        for (number, op) in (1..).zip(&ops) {
            model.run(number, op);
            model.check();
        }
        model.end(empty);
    }
}
