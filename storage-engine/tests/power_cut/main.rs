//! Power cuts: nothing acknowledged is lost, no batch is torn, whatever happens to unsynced writes.
//!
//! This test binary runs itself again under a recorder (`recorder.c`, built with gcc) that logs each write,
//! sync and change of names below a directory. From the log it rebuilds what a power cut at some moment may
//! leave on a disk that keeps only what was synced (`disk.rs` has the fault model), opens each such image and
//! compares it with the journal of acknowledgements. `STRONGROOM_POWER_CUT_IMAGES` sets the number of images,
//! `STRONGROOM_POWER_CUT_SEGMENT` the bytes of a segment, `STRONGROOM_POWER_CUT_SEED` the seed. See
//! docs/ENGINE.md. Both engines with files go through the same.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test harness fails by panicking and reports by printing"
)]

mod disk;
mod log;
mod random;
#[path = "../common/tally.rs"]
mod tally;
mod trace;
mod workload;

use std::path::{Path, PathBuf};

use strongroom_engine::engine::sled::SyncMode;

use crate::disk::CUTS;
use crate::log::Op;
use crate::random::Random;
use crate::trace::Trace;
use crate::workload::{ENGINE, JOURNAL, Promised, Target, Workload};

const CHILD: &str = "STRONGROOM_POWER_CUT_CHILD";
const TARGET: &str = "STRONGROOM_POWER_CUT_TARGET";

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

const SLED: Target = Target::Sled(SyncMode::DataSync);

fn workload(target: Target) -> Workload {
    let segment_bytes = setting("STRONGROOM_POWER_CUT_SEGMENT", 2 << 20);
    Workload {
        target,
        seed: setting("STRONGROOM_POWER_CUT_SEED", 1),
        segment_bytes: segment_bytes as usize,
        keys: 150 + segment_bytes / 60_000,
        stretch_bytes: target.stretch_bytes(segment_bytes),
        stretches: setting("STRONGROOM_POWER_CUT_STRETCHES", target.stretches()),
    }
}

/// The part of this binary that runs under the recorder; does nothing in an ordinary run.
#[test]
fn child() {
    let Ok(root) = std::env::var(CHILD) else {
        return;
    };
    let target = Target::named(&std::env::var(TARGET).unwrap());
    let (root, workload) = (PathBuf::from(root), workload(target));
    let engine = workload.open_as_told(&root.join(ENGINE)).unwrap();
    workload.run(&root, engine.as_ref());
    engine.close().unwrap();
}

#[test]
fn power_cuts_lose_nothing_that_was_acknowledged() {
    let recording = Recording::make(workload(SLED), None);
    recording.trace.assert_complete();
    recording.assert_turnover();
    let images = setting("STRONGROOM_POWER_CUT_IMAGES", 60);
    assert_none("engine sled", ("images", images), &recording.try_images(images));
}

#[test]
fn a_second_cut_during_recovery_loses_nothing_either() {
    let images = setting("STRONGROOM_POWER_CUT_IMAGES", 60);
    let firsts = images.div_ceil(10);
    assert_none(
        "engine sled",
        ("double images", 3 * firsts),
        &second_cuts(SLED, firsts, 3),
    );
}

#[cfg(feature = "fjall")]
#[test]
fn power_cuts_of_fjall_lose_nothing_that_was_acknowledged() {
    let recording = Recording::make(workload(Target::Fjall), None);
    recording.trace.assert_complete();
    recording.assert_journals_and_tables_went();
    let images = setting("STRONGROOM_POWER_CUT_IMAGES", 60);
    assert_none("engine fjall", ("images", images), &recording.try_images(images));
}

#[cfg(feature = "fjall")]
#[test]
fn a_second_cut_of_fjall_during_recovery_loses_nothing_either() {
    let images = setting("STRONGROOM_POWER_CUT_IMAGES", 60);
    let firsts = images.div_ceil(20);
    let failures = second_cuts(Target::Fjall, firsts, 3);
    assert_none("engine fjall", ("double images", 3 * firsts), &failures);
}

/// The test of the test: with our `fdatasync` left out, the same images must show a loss.
#[test]
fn without_fdatasync_the_loss_is_found() {
    let recording = Recording::make(workload(Target::Sled(SyncMode::DangerFlushOnly)), None);
    recording.trace.assert_complete();
    let failures = recording.try_images(setting("STRONGROOM_POWER_CUT_IMAGES", 60) / 5);
    let lost = failures.iter().filter(|failure| failure.contains("LOST")).count();
    assert!(lost > 0, "no loss among {failures:?}");
}

/// The same for the quarter rule: synced at acknowledgements only, sled's segment headers run ahead of the
/// disk, and a cut during the next stretch destroys what was acknowledged before it.
#[test]
fn without_the_quarter_rule_the_loss_is_found() {
    let recording = Recording::make(workload(Target::Sled(SyncMode::DangerNoQuarters)), None);
    recording.trace.assert_complete();
    let failures = recording.try_images(setting("STRONGROOM_POWER_CUT_IMAGES", 60));
    assert!(!failures.is_empty(), "the quarter rule seems to do nothing");
}

fn assert_none(subject: &str, tried: (&str, u64), failures: &[String]) {
    tally::tally("R2", subject, &[tried], failures.len());
    let found = failures.join("\n");
    assert!(failures.is_empty(), "{} images failed:\n{found}", failures.len());
}

/// One run of the workload under the recorder.
struct Recording {
    workload: Workload,
    trace: Trace,
    /// What had been promised before the run.
    promised: Promised,
}

impl Recording {
    /// Runs the workload in a copy of `image`, or in an empty directory.
    fn make(workload: Workload, image: Option<(&Path, Promised)>) -> Self {
        let trace = Trace::make(image.map(|(image, _)| image), |command, recorded| {
            command
                .env(CHILD, recorded)
                .env(TARGET, workload.target.name())
                .env("STRONGROOM_POWER_CUT_STRETCHES", workload.stretches.to_string());
        });
        Self {
            workload,
            trace,
            promised: image.map_or_else(Promised::default, |(_, promised)| promised),
        }
    }

    /// At least eight segments begin between two acknowledgements, and less than one segment of log is ever
    /// unsynced.
    fn assert_turnover(&self) {
        let segment = self.workload.segment_bytes as u64;
        let (mut disk, mut journal) = (self.trace.disk(), None);
        let (mut begun, mut most_begun, mut reused, mut end, mut unsynced) = (0u64, 0, 0u64, 0u64, 0);
        for op in &self.trace.log.ops {
            disk.run(op);
            match op {
                Op::Created { file, path } if path == Path::new(JOURNAL) => journal = Some(*file),
                Op::Write { file, payload, .. } if Some(*file) == journal => {
                    let acknowledged = self.trace.log.bytes(*payload).starts_with(b"S");
                    begun = if acknowledged { 0 } else { begun };
                }
                Op::Write { offset, payload, .. } if payload.length > 20 && offset % segment == 0 => {
                    begun += 1;
                    reused += u64::from(*offset < end);
                    end = end.max(*offset + 1);
                }
                _ => {}
            }
            most_begun = most_begun.max(begun);
            unsynced = unsynced.max(disk.unsynced_bytes());
        }
        println!(
            "{} operations, {} MiB segments: {most_begun} begun between two acknowledgements, {reused} reused in \
             all, at most {} KiB of log unsynced",
            self.trace.log.ops.len(),
            segment >> 20,
            unsynced >> 10,
        );
        assert!(
            most_begun >= 8,
            "only {most_begun} segments between two acknowledgements"
        );
        assert!(reused > 0, "no segment was reused");
        assert!(
            unsynced < segment,
            "{unsynced} bytes of log were unsynced at once"
        );
    }

    /// Journals and tables were made and removed, so that images of every stage of both are among the others.
    #[cfg(feature = "fjall")]
    fn assert_journals_and_tables_went(&self) {
        let gone = |wanted: fn(&Path) -> bool| {
            let ops = self.trace.log.ops.iter();
            ops.filter(|op| matches!(op, Op::Unlink { path } if wanted(path)))
                .count()
        };
        let journals = gone(|path| path.extension().is_some_and(|end| end == "jnl"));
        let tables = gone(|path| path.parent().is_some_and(|dir| dir.ends_with("tables")));
        println!(
            "{} operations: {journals} journals and {tables} tables removed",
            self.trace.log.ops.len()
        );
        assert!(journals > 0 && tables > 0, "no turnover");
    }

    /// Builds and verifies images; returns what failed.
    fn try_images(&self, count: u64) -> Vec<String> {
        let mut random = Random(self.workload.seed.wrapping_add(77));
        let mut cuts: Vec<_> = (0..count).map(|_| self.cut_point(&mut random)).collect();
        cuts.sort_unstable();
        let (mut disk, mut done, mut failures) = (self.trace.disk(), 0, Vec::new());
        for (number, cut_at) in (0u64..).zip(cuts) {
            self.trace.log.ops[done..cut_at]
                .iter()
                .for_each(|op| disk.run(op));
            done = cut_at;
            let cut = CUTS[random.below(CUTS.len() as u64) as usize];
            let seed = random.next();
            let image = tempfile::tempdir().unwrap();
            disk.cut(cut, &mut Random(seed), image.path());
            let promised = self.promised.read(&disk.live_content(JOURNAL));
            if let Err(error) = self.workload.verify(&image.path().join(ENGINE), promised) {
                failures.push(format!(
                    "image {number}, {cut:?} before operation {cut_at}, seed {seed}: {error}"
                ));
            }
        }
        println!(
            "{}: {count} images of {} operations, {} failed",
            self.workload.target.name(),
            self.trace.log.ops.len(),
            failures.len()
        );
        failures
    }

    /// What ends a flush of the engine's: sled syncs ranges, fjall changes names around its tables.
    fn is_flush(&self, op: &Op) -> bool {
        match self.workload.target {
            Target::Sled(_) => matches!(op, Op::RangeSync),
            #[cfg(feature = "fjall")]
            Target::Fjall => matches!(op, Op::Rename { .. } | Op::Unlink { .. } | Op::Created { .. }),
        }
    }

    /// A recording that begins with a recovery is there for the recovery.
    fn cut_point(&self, random: &mut Random) -> usize {
        let (often, early) = if self.promised == Promised::default() {
            (15, 120)
        } else {
            (60, 30)
        };
        self.trace
            .cut_point(random, (often, early), &|op| self.is_flush(op))
    }
}

/// Images of cuts during the recovery of, and the first work in, images of a first cut.
fn second_cuts(target: Target, firsts: u64, seconds: u64) -> Vec<String> {
    let recording = Recording::make(workload(target), None);
    let mut random = Random(recording.workload.seed.wrapping_add(99));
    let mut failures = Vec::new();
    for _ in 0..firsts {
        let cut_at = recording.cut_point(&mut random);
        let mut disk = recording.trace.disk();
        recording.trace.log.ops[..cut_at]
            .iter()
            .for_each(|op| disk.run(op));
        let image = tempfile::tempdir().unwrap();
        disk.cut(
            CUTS[random.below(CUTS.len() as u64) as usize],
            &mut random,
            image.path(),
        );
        std::fs::remove_file(image.path().join(JOURNAL)).ok();
        let promised = Promised::default().read(&disk.live_content(JOURNAL));
        let short = Workload {
            stretches: 0,
            ..recording.workload
        };
        let second = Recording::make(short, Some((image.path(), promised)));
        let found = second.try_images(seconds);
        failures.extend(
            found
                .into_iter()
                .map(|failure| format!("first cut before {cut_at}, then {failure}")),
        );
    }
    failures
}
