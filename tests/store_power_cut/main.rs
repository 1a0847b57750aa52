//! Power cuts of a whole store and its vaults: what was acknowledged is there, and nothing half done.
//!
//! The same recorder and fault model as for the engines alone (`storage-engine/tests/power_cut`), around
//! uploads, block lists, appends, deletions and changes of keys, for each engine and placement of bodies:
//! body files, side files and headers are cut as the engine's files are. `STRONGROOM_POWER_CUT_IMAGES` sets
//! the number of images, `STRONGROOM_POWER_CUT_OPERATIONS` the operations of a recorded run,
//! `STRONGROOM_POWER_CUT_SEED` the seed.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test harness fails by panicking and reports by printing"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../../storage-engine/tests/power_cut/disk.rs"]
#[allow(dead_code, reason = "made for two tests")]
mod disk;
mod found;
#[path = "../../storage-engine/tests/power_cut/log.rs"]
mod log;
#[path = "../../storage-engine/tests/power_cut/random.rs"]
mod random;
mod state;
#[path = "../../storage-engine/tests/common/tally.rs"]
mod tally;
#[path = "../../storage-engine/tests/power_cut/trace.rs"]
mod trace;
mod workload;

use std::path::{Path, PathBuf};

use strongroom::{EngineKind, Placement};

use crate::disk::CUTS;
use crate::log::Op;
use crate::random::Random;
use crate::trace::Trace;
use crate::workload::{JOURNAL, Promised, Workload};

const CHILD: &str = "STRONGROOM_POWER_CUT_CHILD";
const FIRST: &str = "STRONGROOM_POWER_CUT_FIRST";
const OPERATIONS: &str = "STRONGROOM_POWER_CUT_OPERATIONS";
const SEED: &str = "STRONGROOM_POWER_CUT_SEED";

/// Images of each test in an ordinary run.
const IMAGES: u64 = 30;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn images() -> u64 {
    setting("STRONGROOM_POWER_CUT_IMAGES", IMAGES)
}

fn workload(engine: EngineKind, placement: Placement) -> Workload {
    Workload {
        engine,
        placement,
        seed: setting(SEED, 1),
        operations: setting(OPERATIONS, 60),
    }
}

/// The part of this binary that runs under the recorder; does nothing in an ordinary run.
#[test]
fn child() {
    let Ok(root) = std::env::var(CHILD) else {
        return;
    };
    // The engine and the placement of a store that is there are its own.
    let workload = workload(EngineKind::Sled, Placement::Engine);
    workload.run(Path::new(&root), setting(FIRST, 1));
}

#[test]
fn a_store_with_bodies_in_the_engine() {
    check(workload(EngineKind::Sled, Placement::Engine));
}

#[test]
fn a_store_with_bodies_in_files() {
    check(workload(EngineKind::Sled, Placement::Files));
}

#[cfg(feature = "fjall")]
#[test]
fn a_store_on_fjall() {
    check(workload(EngineKind::Fjall, Placement::Engine));
}

#[cfg(feature = "fjall")]
#[test]
fn a_store_on_fjall_with_bodies_in_files() {
    check(workload(EngineKind::Fjall, Placement::Files));
}

fn check(workload: Workload) {
    let begin = tempfile::tempdir().unwrap();
    workload.make(begin.path());
    let recording = Recording::make(workload, begin.path(), 0);
    recording.trace.assert_complete();
    let failures = recording.try_images(images(), false);
    assert_none(workload, ("images", images()), &failures);
    let firsts = images().div_ceil(10);
    let failures = recording.second_cuts(firsts, 3);
    assert_none(workload, ("double images", 3 * firsts), &failures);
}

/// The test of the test: with every sync of a body's file forgotten, as a missing call would, the same
/// images must show a loss.
#[test]
fn a_forgotten_sync_of_body_files_is_found() {
    let workload = workload(EngineKind::Sled, Placement::Files);
    let begin = tempfile::tempdir().unwrap();
    workload.make(begin.path());
    let recording = Recording::make(workload, begin.path(), 0);
    let failures = recording.try_images(images(), true);
    assert!(!failures.is_empty(), "no image shows the missing sync");
}

fn assert_none(workload: Workload, tried: (&str, u64), failures: &[String]) {
    tally::tally("R2", &workload.name(), &[tried], failures.len());
    let found = failures.join("\n");
    assert!(failures.is_empty(), "{} images failed:\n{found}", failures.len());
}

/// One run of the workload under the recorder.
struct Recording {
    workload: Workload,
    trace: Trace,
    /// The operation whose state the run began with.
    done: u64,
}

impl Recording {
    /// Runs the workload in a copy of `image`, which is in the state after operation `done`.
    fn make(workload: Workload, image: &Path, done: u64) -> Self {
        let trace = Trace::make(Some(image), |command, recorded| {
            command
                .env(CHILD, recorded)
                .env(FIRST, (done + 1).to_string())
                .env(OPERATIONS, workload.operations.to_string());
        });
        Self {
            workload,
            trace,
            done,
        }
    }

    fn cut_point(&self, random: &mut Random) -> usize {
        // A recording that begins with a recovery is there for the recovery.
        let (often, early) = if self.done == 0 { (10, 120) } else { (60, 60) };
        let is_flush = |op: &Op| matches!(op, Op::Sync { .. } | Op::SyncDir { .. } | Op::Rename { .. });
        self.trace.cut_point(random, (often, early), &is_flush)
    }

    /// Builds and verifies images; returns what failed.
    fn try_images(&self, count: u64, without_body_syncs: bool) -> Vec<String> {
        let mut random = Random(self.workload.seed.wrapping_add(177));
        let mut cuts: Vec<_> = (0..count).map(|_| self.cut_point(&mut random)).collect();
        cuts.sort_unstable();
        let (mut disk, mut done, mut failures) = (self.trace.disk(), 0, Vec::new());
        let bodies = self.body_files();
        let forgotten =
            |op: &Op| without_body_syncs && matches!(op, Op::Sync { file } if bodies.contains(file));
        for (number, cut_at) in (0u64..).zip(cuts) {
            let ops = self.trace.log.ops[done..cut_at].iter();
            ops.filter(|op| !forgotten(op)).for_each(|op| disk.run(op));
            done = cut_at;
            let cut = CUTS[random.below(CUTS.len() as u64) as usize];
            let seed = random.next();
            let image = tempfile::tempdir().unwrap();
            disk.cut(cut, &mut Random(seed), image.path());
            let promised = Promised::read(self.done, &disk.live_content(JOURNAL));
            if let Err(error) = self.workload.verify(image.path(), promised) {
                failures.push(format!(
                    "image {number}, {cut:?} before operation {cut_at}, seed {seed}: {error}"
                ));
            }
        }
        println!(
            "{}: {count} images of {} operations, {} failed",
            self.workload.name(),
            self.trace.log.ops.len(),
            failures.len()
        );
        failures
    }

    /// Numbers of the files below `bodies`.
    fn body_files(&self) -> Vec<u32> {
        let named = self.trace.log.ops.iter().filter_map(|op| match op {
            Op::Created { file, path } => Some((*file, path)),
            _ => None,
        });
        let inside = |path: &PathBuf| path.starts_with("data/bodies");
        named
            .filter(|(_, path)| inside(path))
            .map(|(file, _)| file)
            .collect()
    }

    /// Images of cuts during the recovery of, and the first work in, images of a first cut.
    fn second_cuts(&self, firsts: u64, seconds: u64) -> Vec<String> {
        let mut random = Random(self.workload.seed.wrapping_add(199));
        let mut failures = Vec::new();
        for _ in 0..firsts {
            let cut_at = self.cut_point(&mut random);
            let mut disk = self.trace.disk();
            self.trace.log.ops[..cut_at].iter().for_each(|op| disk.run(op));
            let cut = CUTS[random.below(CUTS.len() as u64) as usize];
            let seed = random.next();
            let promised = Promised::read(self.done, &disk.live_content(JOURNAL));
            let images: [_; 2] = std::array::from_fn(|_| {
                let image = tempfile::tempdir().unwrap();
                disk.cut(cut, &mut Random(seed), image.path());
                std::fs::remove_file(image.path().join(JOURNAL)).ok();
                image
            });
            match self.workload.recovered(images[0].path(), promised) {
                Ok(number) => {
                    let short = Workload {
                        operations: 6,
                        ..self.workload
                    };
                    let second = Self::make(short, images[1].path(), number);
                    let found = second.try_images(seconds, false).into_iter();
                    failures.extend(found.map(|what| format!("{cut:?} before {cut_at}, then {what}")));
                }
                Err(error) => failures.push(format!("{cut:?} before {cut_at}, seed {seed}: {error}")),
            }
        }
        failures
    }
}
