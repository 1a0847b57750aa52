//! A store that is closed, copies of it with something changed, and what they show.

use std::fs;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use crate::common::copy_dir;
use crate::found::Found;
use crate::random::Random;
use crate::workload::{Opened, Workload};

/// No image takes this long unless it hangs.
const HANGS: Duration = Duration::from_secs(120);

/// What is done to a file.
#[derive(Clone, Debug)]
pub(crate) enum Damage {
    Flip { at: u64 },
    Zeros { page: u64 },
    Garbage { page: u64, seed: u64 },
    Cut { length: u64 },
}

impl Damage {
    pub(crate) fn apply(&self, path: &Path) {
        let file = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
        let length = file.metadata().unwrap().len();
        let write = |page: u64, bytes: &[u8]| {
            let room = (length - page * 4096).min(4096) as usize;
            file.write_all_at(&bytes[..room], page * 4096).unwrap();
        };
        match *self {
            Self::Flip { at } => {
                let mut byte = [0];
                file.read_exact_at(&mut byte, at).unwrap();
                file.write_all_at(&[byte[0] ^ (1 << (at % 8))], at).unwrap();
            }
            Self::Zeros { page } => write(page, &[0; 4096]),
            Self::Garbage { page, seed } => write(page, &Random(seed).bytes(4096)),
            Self::Cut { length } => file.set_len(length).unwrap(),
        }
    }
}

/// What an image shows.
#[derive(Debug)]
pub(crate) enum Seen {
    /// The last state.
    Whole,
    /// The last state; some blobs give errors, and the scrub says so.
    Partly,
    /// The store does not open, or shows no blobs.
    Refused,
    Wrong(String),
}

impl Seen {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Partly => "partly",
            Self::Refused => "refused",
            Self::Wrong(_) => "wrong",
        }
    }
}

/// A file of the store.
pub(crate) struct StoreFile {
    /// From the root of the image.
    pub(crate) path: PathBuf,
    pub(crate) length: u64,
}

/// The store that is copied.
pub(crate) struct Original {
    pub(crate) workload: Workload,
    root: tempfile::TempDir,
    files: Vec<StoreFile>,
}

impl Original {
    pub(crate) fn make(workload: Workload) -> Self {
        let root = tempfile::tempdir().unwrap();
        workload.make(root.path());
        workload.run(root.path(), 1);
        let mut files = Vec::new();
        find(root.path(), Path::new("data"), &mut files);
        Self {
            workload,
            root,
            files,
        }
    }

    /// A file that is not empty; one of twice the length is chosen twice as often.
    pub(crate) fn any_file(&self, random: &mut Random, wanted: impl Fn(&Path) -> bool) -> &StoreFile {
        let mut files: Vec<_> = self.files.iter().filter(|file| wanted(&file.path)).collect();
        if files.is_empty() {
            files = self.files.iter().collect();
        }
        let all = files.iter().map(|file| file.length).sum();
        let mut at = random.below(all);
        for file in &files {
            match at.checked_sub(file.length) {
                Some(rest) => at = rest,
                None => return file,
            }
        }
        files[0]
    }

    pub(crate) fn copy(&self) -> tempfile::TempDir {
        let image = tempfile::tempdir().unwrap();
        copy_dir(self.root.path(), image.path());
        image
    }

    /// What the image shows; panics and hangs are wrong answers too.
    pub(crate) fn look(&self, image: &Path) -> Seen {
        let (send, receive) = mpsc::channel();
        let (root, workload) = (image.to_path_buf(), self.workload);
        std::thread::spawn(move || {
            let seen = catch_unwind(AssertUnwindSafe(|| look(workload, &root)));
            send.send(seen.unwrap_or_else(|_| Seen::Wrong("a panic".to_owned())))
                .ok();
        });
        receive
            .recv_timeout(HANGS)
            .unwrap_or_else(|_| Seen::Wrong("it hangs".to_owned()))
    }
}

fn look(workload: Workload, root: &Path) -> Seen {
    let Ok(opened) = Workload::open(root) else {
        return Seen::Refused;
    };
    let seen = judge(workload, &opened);
    // What is damaged may also keep it from closing well.
    opened.store.close().ok();
    seen
}

fn judge(workload: Workload, opened: &Opened) -> Seen {
    let Ok(account) = opened.account() else {
        return unreadable(opened, Seen::Refused);
    };
    let Ok(found) = Found::look(&account) else {
        return unreadable(opened, Seen::Refused);
    };
    let last = workload.operations;
    let difference = |number| found.difference(workload.seed, number, last);
    let Some(number) = (0..=last).rev().find(|&number| difference(number).is_none()) else {
        return Seen::Wrong(format!("{:?}", difference(last)));
    };
    match found.unreadable().next() {
        _ if number < last => Seen::Wrong(format!("the state after operation {number}, silently")),
        Some(_) => unreadable(opened, Seen::Partly),
        None => Seen::Whole,
    }
}

/// Something could not be read: a scrub has to find it, too.
fn unreadable(opened: &Opened, seen: Seen) -> Seen {
    match opened.store.scrub(None, |_| {}) {
        Ok(report) if report.damage.is_empty() => Seen::Wrong("a scrub finds nothing".to_owned()),
        _ => seen,
    }
}

fn find(root: &Path, below: &Path, files: &mut Vec<StoreFile>) {
    let mut entries: Vec<_> = fs::read_dir(root.join(below))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = below.join(entry.file_name());
        let about = entry.metadata().unwrap();
        if about.is_dir() {
            find(root, &path, files);
        } else if about.len() > 0 {
            files.push(StoreFile {
                path,
                length: about.len(),
            });
        }
    }
}
