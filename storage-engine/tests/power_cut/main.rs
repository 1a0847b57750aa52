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
mod workload;

use std::path::{Path, PathBuf};
use std::process::Command;

use strongroom_engine::engine::sled::SyncMode;

use crate::disk::{CUTS, Cut, Disk};
use crate::log::{Log, Op};
use crate::random::Random;
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
    recording.assert_complete();
    recording.assert_turnover();
    let images = setting("STRONGROOM_POWER_CUT_IMAGES", 60);
    assert_none(&recording.try_images(images));
}

#[test]
fn a_second_cut_during_recovery_loses_nothing_either() {
    let images = setting("STRONGROOM_POWER_CUT_IMAGES", 60);
    assert_none(&second_cuts(SLED, images.div_ceil(10), 3));
}

#[cfg(feature = "fjall")]
#[test]
fn power_cuts_of_fjall_lose_nothing_that_was_acknowledged() {
    let recording = Recording::make(workload(Target::Fjall), None);
    recording.assert_complete();
    recording.assert_journals_and_tables_went();
    let images = setting("STRONGROOM_POWER_CUT_IMAGES", 60);
    assert_none(&recording.try_images(images));
}

#[cfg(feature = "fjall")]
#[test]
fn a_second_cut_of_fjall_during_recovery_loses_nothing_either() {
    let images = setting("STRONGROOM_POWER_CUT_IMAGES", 60);
    assert_none(&second_cuts(Target::Fjall, images.div_ceil(20), 3));
}

/// The test of the test: with our `fdatasync` left out, the same images must show a loss.
#[test]
fn without_fdatasync_the_loss_is_found() {
    let recording = Recording::make(workload(Target::Sled(SyncMode::DangerFlushOnly)), None);
    recording.assert_complete();
    let failures = recording.try_images(setting("STRONGROOM_POWER_CUT_IMAGES", 60) / 5);
    let lost = failures.iter().filter(|failure| failure.contains("LOST")).count();
    assert!(lost > 0, "no loss among {failures:?}");
}

/// The same for the quarter rule: synced at acknowledgements only, sled's segment headers run ahead of the
/// disk, and a cut during the next stretch destroys what was acknowledged before it.
#[test]
fn without_the_quarter_rule_the_loss_is_found() {
    let recording = Recording::make(workload(Target::Sled(SyncMode::DangerNoQuarters)), None);
    recording.assert_complete();
    let failures = recording.try_images(setting("STRONGROOM_POWER_CUT_IMAGES", 60));
    assert!(!failures.is_empty(), "the quarter rule seems to do nothing");
}

fn assert_none(failures: &[String]) {
    let found = failures.join("\n");
    assert!(failures.is_empty(), "{} images failed:\n{found}", failures.len());
}

/// One run of the workload under the recorder.
struct Recording {
    workload: Workload,
    root: tempfile::TempDir,
    /// What was in the directory before, and what had been promised for it.
    before: tempfile::TempDir,
    promised: Promised,
    log: Log,
}

impl Recording {
    /// Runs the workload in a copy of `image`, or in an empty directory.
    fn make(workload: Workload, image: Option<(&Path, Promised)>) -> Self {
        let (root, before) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let log_dir = tempfile::tempdir().unwrap();
        let recorded = root.path().join("recorded");
        std::fs::create_dir(&recorded).unwrap();
        if let Some((image, _)) = image {
            copy_dir(image, &recorded);
            copy_dir(image, before.path());
        }
        let log = log_dir.path().join("log");
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["child", "--exact", "--nocapture", "--test-threads=1"])
            .env(CHILD, &recorded)
            .env(TARGET, workload.target.name())
            .env("LD_PRELOAD", recorder())
            .env("STRONGROOM_RECORD_DIR", &recorded)
            .env("STRONGROOM_RECORD_LOG", &log)
            .env("STRONGROOM_POWER_CUT_STRETCHES", workload.stretches.to_string());
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Self {
            workload,
            log: Log::read(&log, &recorded),
            root,
            before,
            promised: image.map_or_else(Promised::default, |(_, promised)| promised),
        }
    }

    fn disk(&self) -> Disk<'_> {
        Disk::new(&self.log, self.before.path())
    }

    /// All operations carried out give exactly the files that the run left: the recorder missed nothing.
    fn assert_complete(&self) {
        let mut disk = self.disk();
        self.log.ops.iter().for_each(|op| disk.run(op));
        let image = tempfile::tempdir().unwrap();
        disk.cut(Cut::KeepAll, &mut Random(0), image.path());
        let recorded = self.root.path().join("recorded");
        assert!(
            files(image.path()) == files(&recorded),
            "the recorder missed an operation"
        );
    }

    /// At least eight segments begin between two acknowledgements, and less than one segment of log is ever
    /// unsynced.
    fn assert_turnover(&self) {
        let segment = self.workload.segment_bytes as u64;
        let (mut disk, mut journal) = (self.disk(), None);
        let (mut begun, mut most_begun, mut reused, mut end, mut unsynced) = (0u64, 0, 0u64, 0u64, 0);
        for op in &self.log.ops {
            disk.run(op);
            match op {
                Op::Created { file, path } if path == Path::new(JOURNAL) => journal = Some(*file),
                Op::Write { file, payload, .. } if Some(*file) == journal => {
                    let acknowledged = self.log.bytes(*payload).starts_with(b"S");
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
            self.log.ops.len(),
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
            let ops = self.log.ops.iter();
            ops.filter(|op| matches!(op, Op::Unlink { path } if wanted(path)))
                .count()
        };
        let journals = gone(|path| path.extension().is_some_and(|end| end == "jnl"));
        let tables = gone(|path| path.parent().is_some_and(|dir| dir.ends_with("tables")));
        println!(
            "{} operations: {journals} journals and {tables} tables removed",
            self.log.ops.len()
        );
        assert!(journals > 0 && tables > 0, "no turnover");
    }

    /// Builds and verifies images; returns what failed.
    fn try_images(&self, count: u64) -> Vec<String> {
        let mut random = Random(self.workload.seed.wrapping_add(77));
        let mut cuts: Vec<_> = (0..count).map(|_| self.cut_point(&mut random)).collect();
        cuts.sort_unstable();
        let (mut disk, mut done, mut failures) = (self.disk(), 0, Vec::new());
        for (number, cut_at) in (0u64..).zip(cuts) {
            self.log.ops[done..cut_at].iter().for_each(|op| disk.run(op));
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
            self.log.ops.len(),
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

    /// A moment: early, right after an acknowledgement, around a flush, or anywhere.
    fn cut_point(&self, random: &mut Random) -> usize {
        let ops = self.log.ops.len() as u64;
        let anywhere = random.below(ops + 1);
        let kind = random.below(100);
        let near = |wanted: &dyn Fn(&Op) -> bool, random: &mut Random| {
            let ahead = (anywhere as usize..self.log.ops.len()).find(|&at| wanted(&self.log.ops[at]));
            ahead.map_or(anywhere, |at| (at as u64 + random.below(6)).min(ops))
        };
        // A recording that begins with a recovery is there for the recovery.
        let (often, early) = if self.promised == Promised::default() {
            (15, 120)
        } else {
            (60, 30)
        };
        let cut = match kind {
            _ if kind < often => random.below(ops.min(early)),
            0..40 => near(
                &|op| matches!(op, Op::Write { payload, .. } if payload.length < 10),
                random,
            ),
            40..65 => near(&|op| self.is_flush(op), random).saturating_sub(random.below(3)),
            _ => anywhere,
        };
        cut as usize
    }
}

/// Images of cuts during the recovery of, and the first work in, images of a first cut.
fn second_cuts(target: Target, firsts: u64, seconds: u64) -> Vec<String> {
    let recording = Recording::make(workload(target), None);
    let mut random = Random(recording.workload.seed.wrapping_add(99));
    let mut failures = Vec::new();
    for _ in 0..firsts {
        let cut_at = recording.cut_point(&mut random);
        let mut disk = recording.disk();
        recording.log.ops[..cut_at].iter().for_each(|op| disk.run(op));
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

/// Builds the recorder.
fn recorder() -> PathBuf {
    static BUILT: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    let build = || {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/power_cut/recorder.c");
        let library =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("recorder-{}.so", std::process::id()));
        let status = Command::new("gcc")
            .args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o"])
            .args([&library, &source])
            .arg("-lpthread")
            .status()
            .expect("the power-cut test needs gcc");
        assert!(status.success(), "gcc could not build the recorder");
        library
    };
    BUILT.get_or_init(build).clone()
}

fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = PathBuf::from(path.file_name().unwrap());
        if path.is_dir() {
            found.extend(
                files(&path)
                    .into_iter()
                    .map(|(below, bytes)| (name.join(below), bytes)),
            );
        } else {
            found.push((name, std::fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

fn copy_dir(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy_dir(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}
