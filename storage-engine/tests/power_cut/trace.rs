//! A run of this test binary's test `child` under the recorder: what it did to its directory, step by step.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::disk::{Cut, Disk};
use crate::log::{Log, Op};
use crate::random::Random;

/// A recorded run.
pub(crate) struct Trace {
    root: tempfile::TempDir,
    /// What was in the directory before.
    before: tempfile::TempDir,
    pub(crate) log: Log,
}

impl Trace {
    /// Runs the test `child` in a copy of `image`, or in an empty directory; `prepare` tells it what to do.
    pub(crate) fn make(image: Option<&Path>, prepare: impl FnOnce(&mut Command, &Path)) -> Self {
        let (root, before) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let log_dir = tempfile::tempdir().unwrap();
        let recorded = root.path().join(RECORDED);
        std::fs::create_dir(&recorded).unwrap();
        if let Some(image) = image {
            copy_dir(image, &recorded);
            copy_dir(image, before.path());
        }
        let log = log_dir.path().join("log");
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["child", "--exact", "--nocapture", "--test-threads=1"])
            .env("LD_PRELOAD", recorder())
            .env("STRONGROOM_RECORD_DIR", &recorded)
            .env("STRONGROOM_RECORD_LOG", &log);
        prepare(&mut command, &recorded);
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        Self {
            log: Log::read(&log, &recorded),
            root,
            before,
        }
    }

    /// The disk before the run.
    pub(crate) fn disk(&self) -> Disk<'_> {
        Disk::new(&self.log, self.before.path())
    }

    /// All operations carried out give exactly the files that the run left: the recorder missed nothing.
    pub(crate) fn assert_complete(&self) {
        let mut disk = self.disk();
        self.log.ops.iter().for_each(|op| disk.run(op));
        let image = tempfile::tempdir().unwrap();
        disk.cut(Cut::KeepAll, &mut Random(0), image.path());
        let (built, left) = (files(image.path()), files(&self.root.path().join(RECORDED)));
        let names =
            |files: &[(PathBuf, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        assert_eq!(
            names(&built),
            names(&left),
            "the recorder missed a change of names"
        );
        assert!(built == left, "the recorder missed a write");
    }

    /// A moment: among the first `early` operations in `often` of 100 cases, else right after an
    /// acknowledgement, around a flush, or anywhere.
    pub(crate) fn cut_point(
        &self,
        random: &mut Random,
        (often, early): (u64, u64),
        is_flush: &dyn Fn(&Op) -> bool,
    ) -> usize {
        let ops = self.log.ops.len() as u64;
        let anywhere = random.below(ops + 1);
        let kind = random.below(100);
        let near = |wanted: &dyn Fn(&Op) -> bool, random: &mut Random| {
            let ahead = (anywhere as usize..self.log.ops.len()).find(|&at| wanted(&self.log.ops[at]));
            ahead.map_or(anywhere, |at| (at as u64 + random.below(6)).min(ops))
        };
        let cut = match kind {
            _ if kind < often => random.below(ops.min(early)),
            0..40 => near(
                &|op| matches!(op, Op::Write { payload, .. } if payload.length < 10),
                random,
            ),
            40..65 => near(is_flush, random).saturating_sub(random.below(3)),
            _ => anywhere,
        };
        cut as usize
    }
}

const RECORDED: &str = "recorded";

/// Builds the recorder.
fn recorder() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let source = scratch.join(format!("recorder-{}.c", std::process::id()));
        let library = source.with_extension("so");
        std::fs::write(&source, include_str!("recorder.c")).unwrap();
        let status = Command::new("gcc")
            .args(["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o"])
            .args([&library, &source])
            .arg("-lpthread")
            .status()
            .expect("the power-cut test needs gcc");
        assert!(status.success(), "gcc could not build the recorder");
        std::fs::remove_file(source).unwrap();
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
