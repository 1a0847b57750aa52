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
    BlobSource, BlobVersionRef, Conditions, Container, CopyOptions, CreateBlobOptions, DeleteBlobOptions,
    DeleteSnapshots, DownloadOptions, ListPageRanges, PageRange, PutPagesOptions, SequenceConditions,
    SequenceNumberAction, SnapshotOptions, Timestamp,
};

const PAGE: u64 = 512;
/// A span and a half.
const PAGES_MAX: u64 = 768;

/// What was written to a page: the number of the write, from 1.
type Pages = Vec<Option<u8>>;

#[derive(Clone, Debug)]
enum Op {
    Put {
        first: u64,
        count: u64,
    },
    Clear {
        first: u64,
        count: u64,
    },
    Resize(u64),
    Snapshot,
    DeleteSnapshot(usize),
    /// Of the base or of a snapshot, to a blob that is there or not.
    Copy(usize),
    /// Into the copy.
    PutCopy {
        first: u64,
        count: u64,
    },
    Number(SequenceNumberAction),
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
        2 => (0..3_usize).prop_map(Op::Copy),
        2 => range().prop_map(|(first, count)| Op::PutCopy { first, count }),
        1 => (0..9_u64).prop_map(|number| Op::Number(SequenceNumberAction::Max(number))),
        1 => (0..9_u64).prop_map(|number| Op::Number(SequenceNumberAction::Update(number))),
        1 => Just(Op::Number(SequenceNumberAction::Increment)),
        2 => Just(Op::Maintain),
    ]
}

struct Model {
    world: BlobWorld,
    container: Container,
    pages: Pages,
    snapshots: Vec<(Timestamp, Pages)>,
    number: u64,
    copy: Option<Pages>,
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
            number: 0,
            copy: None,
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
            Op::Copy(which) => self.copy(which),
            Op::PutCopy { first, count } => self.put_copy(number, (first, count)),
            Op::Number(action) => self.set_number(action),
            Op::Maintain => drop(self.world.store.maintain().unwrap()),
        }
    }

    /// Copies a snapshot, or the base if there is no such snapshot.
    fn copy(&mut self, which: usize) {
        let (which, pages) = match self.snapshots.get(which) {
            Some((time, pages)) => (BlobVersionRef::Snapshot(*time), pages),
            None => (BlobVersionRef::Base, &self.pages),
        };
        let source = BlobSource {
            which,
            ..BlobSource::new(&self.container, blob("disk"))
        };
        let options = CopyOptions::default();
        self.container
            .start_copy(&blob("copy"), &source, &options)
            .unwrap();
        self.copy = Some(pages.clone());
    }

    fn put_copy(&mut self, number: u8, (first, count): (u64, u64)) {
        let Some(pages) = &mut self.copy else { return };
        let length = pages.len() as u64;
        let first = first.min(length - 1);
        let count = count.min(length - first);
        let content = vec![number; (count * PAGE) as usize];
        let options = PutPagesOptions::default();
        self.container
            .put_pages(
                &blob("copy"),
                (first * PAGE, count * PAGE),
                content.as_slice(),
                &options,
            )
            .unwrap();
        pages[first as usize..][..count as usize].fill(Some(number));
    }

    /// Sets the number; then writes nothing under conditions that hold, and under some that do not.
    fn set_number(&mut self, action: SequenceNumberAction) {
        let conditions = Conditions::default();
        self.container
            .set_sequence_number(&blob("disk"), action, &conditions)
            .unwrap();
        self.number = match action {
            SequenceNumberAction::Max(number) => number.max(self.number),
            SequenceNumberAction::Update(number) => number,
            _ => self.number + 1,
        };
        let number = self.number;
        let cases = [
            (Some(number), None, None, true),
            (number.checked_sub(1), None, None, number == 0),
            (None, Some(number + 1), None, true),
            (None, Some(number), None, false),
            (None, None, Some(number), true),
            (None, None, Some(number + 1), false),
        ];
        for (at_most, less_than, equal, holds) in cases {
            let options = PutPagesOptions {
                sequence: SequenceConditions {
                    at_most,
                    less_than,
                    equal,
                },
                ..PutPagesOptions::default()
            };
            let done = self.container.clear_pages(&blob("disk"), (0, 0), &options);
            assert_eq!(done.is_ok(), holds, "{options:?} at {number}");
        }
    }

    fn check(&self) {
        self.check_state(BlobVersionRef::Base, &self.pages);
        let found = self
            .container
            .blob_properties(&blob("disk"), &Conditions::default());
        assert_eq!(found.unwrap().sequence_number, Some(self.number));
        if let Some(pages) = &self.copy {
            self.check_content("copy", BlobVersionRef::Base, pages);
        }
        for (time, pages) in &self.snapshots {
            self.check_state(BlobVersionRef::Snapshot(*time), pages);
            let found = self.ranges(BlobVersionRef::Base, Some(*time));
            let before = |page: usize| pages.get(page).copied().flatten();
            let differs = |page: usize| self.pages[page] != before(page);
            assert_eq!(found, gather(&self.pages, differs), "since {time:?}");
        }
    }

    fn check_state(&self, which: BlobVersionRef, pages: &Pages) {
        self.check_content("disk", which, pages);
        let written = |page: usize| pages[page].is_some();
        assert_eq!(self.ranges(which, None), gather(pages, written), "{which:?}");
    }

    fn check_content(&self, name: &str, which: BlobVersionRef, pages: &Pages) {
        let options = DownloadOptions {
            which,
            ..DownloadOptions::default()
        };
        let mut out = Vec::new();
        self.container.download(&blob(name), &options, &mut out).unwrap();
        assert_eq!(out.len() as u64, pages.len() as u64 * PAGE);
        for (page, bytes) in pages.iter().zip(out.chunks(PAGE as usize)) {
            assert!(
                bytes.iter().all(|byte| *byte == page.unwrap_or(0)),
                "{name} {which:?}"
            );
        }
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
        if self.copy.is_some() {
            self.container
                .delete_blob(&blob("copy"), &Conditions::default())
                .unwrap();
        }
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
