//! A disk that can lose power: what is synced stays, what is not may be there, or in part, or in another
//! order.
//!
//! The fault model: `fsync` and `fdatasync` of a file make all earlier writes of that file durable, and its
//! length; `sync_file_range` makes nothing durable. A write since then may be lost, kept, or torn at
//! multiples of 512 bytes, and writes may reach the disk in any order. A name (created, renamed, unlinked) is
//! durable once its directory was synced; until then each change of names may be lost or kept independently
//! of the others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::log::{Log, Op, Payload};
use crate::random::Random;

/// What the power cut does to unsynced writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// All unsynced writes and names are lost.
    LoseAll,
    /// Nothing is lost: what a killed process leaves.
    KeepAll,
    /// A prefix of the unsynced writes is kept; the last of it is torn.
    Prefix,
    /// Only the newest unsynced writes are kept, whole.
    Newest,
    /// Each write is kept, lost or torn by chance, in an order of chance.
    Chance,
    /// As `Chance`, and names are all kept.
    ChanceNamesKept,
}

pub(crate) const CUTS: [Cut; 6] = [
    Cut::LoseAll,
    Cut::KeepAll,
    Cut::Prefix,
    Cut::Newest,
    Cut::Chance,
    Cut::ChanceNamesKept,
];

#[derive(Clone, Debug)]
enum Unsynced {
    Write { offset: u64, payload: Payload },
    SetLength(u64),
}

#[derive(Clone, Debug)]
enum Name {
    Link { path: PathBuf, file: u32 },
    Unlink { path: PathBuf },
    Rename { from: PathBuf, to: PathBuf, file: u32 },
    MakeDir { path: PathBuf },
    RemoveDir { path: PathBuf },
}

#[derive(Clone, Debug, Default)]
struct Names {
    files: BTreeMap<PathBuf, u32>,
    dirs: BTreeSet<PathBuf>,
}

/// The disk after a prefix of a log.
pub(crate) struct Disk<'l> {
    log: &'l Log,
    durable: BTreeMap<u32, Vec<u8>>,
    unsynced: BTreeMap<u32, Vec<Unsynced>>,
    durable_names: Names,
    names: Names,
    unsynced_names: Vec<Name>,
}

impl<'l> Disk<'l> {
    /// A disk that holds `files` durably: names relative to the recorded directory.
    pub(crate) fn new(log: &'l Log, initial: &Path) -> Self {
        let mut disk = Self {
            log,
            durable: BTreeMap::new(),
            unsynced: BTreeMap::new(),
            durable_names: Names::default(),
            names: Names::default(),
            unsynced_names: Vec::new(),
        };
        // Files that were there before get numbers from the other end, until the log says what it calls them.
        let mut next = u32::MAX;
        disk.load(initial, Path::new(""), &mut next);
        disk.names = disk.durable_names.clone();
        disk
    }

    fn load(&mut self, root: &Path, below: &Path, next: &mut u32) {
        for entry in fs::read_dir(root.join(below)).unwrap() {
            let entry = entry.unwrap();
            let path = below.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                self.durable_names.dirs.insert(path.clone());
                self.load(root, &path, next);
            } else {
                self.durable.insert(*next, fs::read(entry.path()).unwrap());
                self.durable_names.files.insert(path, *next);
                *next -= 1;
            }
        }
    }

    /// Carries out one recorded operation.
    pub(crate) fn run(&mut self, op: &Op) {
        match op {
            Op::Created { file, path } => {
                self.durable.insert(*file, Vec::new());
                self.rename_live(Name::Link {
                    path: path.clone(),
                    file: *file,
                });
            }
            Op::Opened { file, path } => self.adopt(*file, path),
            Op::Write {
                file,
                offset,
                payload,
            } => {
                let write = Unsynced::Write {
                    offset: *offset,
                    payload: *payload,
                };
                self.unsynced.entry(*file).or_default().push(write);
            }
            Op::SetLength { file, length } => {
                self.unsynced
                    .entry(*file)
                    .or_default()
                    .push(Unsynced::SetLength(*length));
            }
            Op::Sync { file } => {
                for change in self.unsynced.remove(file).unwrap_or_default() {
                    let content = self.durable.entry(*file).or_default();
                    change_content(content, &change, self.log, |_| true);
                }
            }
            Op::RangeSync => {}
            Op::SyncDir { path } => self.sync_dir(path),
            Op::Rename { from, to } => {
                let file = self
                    .names
                    .files
                    .get(from)
                    .copied()
                    .expect("a rename of a known file");
                self.rename_live(Name::Rename {
                    from: from.clone(),
                    to: to.clone(),
                    file,
                });
            }
            Op::Unlink { path } => self.rename_live(Name::Unlink { path: path.clone() }),
            Op::MakeDir { path } => self.rename_live(Name::MakeDir { path: path.clone() }),
            Op::RemoveDir { path } => self.rename_live(Name::RemoveDir { path: path.clone() }),
        }
    }

    /// Bytes written and not synced.
    pub(crate) fn unsynced_bytes(&self) -> u64 {
        let changes = self.unsynced.values().flatten();
        changes
            .map(|change| match change {
                Unsynced::Write { payload, .. } => payload.length as u64,
                Unsynced::SetLength(_) => 0,
            })
            .sum()
    }

    /// Content of a file as the running process sees it.
    pub(crate) fn live_content(&self, path: &str) -> Vec<u8> {
        let Some(file) = self.names.files.get(Path::new(path)) else {
            return Vec::new();
        };
        let mut content = self.durable.get(file).cloned().unwrap_or_default();
        for change in self.unsynced.get(file).into_iter().flatten() {
            change_content(&mut content, change, self.log, |_| true);
        }
        content
    }

    /// Writes what a power cut now leaves into the empty directory `target`.
    pub(crate) fn cut(&self, cut: Cut, random: &mut Random, target: &Path) {
        let names = self.surviving_names(cut, random);
        for dir in &names.dirs {
            if parents_exist(&names, dir) {
                fs::create_dir_all(target.join(dir)).unwrap();
            }
        }
        for (path, file) in &names.files {
            if parents_exist(&names, path) {
                let content = self.surviving_content(*file, cut, random);
                fs::write(target.join(path), content).unwrap();
            }
        }
    }

    fn surviving_names(&self, cut: Cut, random: &mut Random) -> Names {
        let mut names = self.durable_names.clone();
        let kept = random.below(self.unsynced_names.len() as u64 + 1) as usize;
        for (number, name) in self.unsynced_names.iter().enumerate() {
            let keep = match cut {
                Cut::LoseAll => false,
                Cut::KeepAll | Cut::ChanceNamesKept => true,
                Cut::Prefix => number < kept,
                Cut::Newest => number >= kept,
                Cut::Chance => random.chance(50),
            };
            if keep {
                names.change(name);
            }
        }
        names
    }

    fn surviving_content(&self, file: u32, cut: Cut, random: &mut Random) -> Vec<u8> {
        let mut content = self.durable.get(&file).cloned().unwrap_or_default();
        let Some(unsynced) = self.unsynced.get(&file) else {
            return content;
        };
        let bound = random.below(unsynced.len() as u64 + 1) as usize;
        let mut order: Vec<_> = (0..unsynced.len()).collect();
        let percent = 5 + random.below(91);
        if matches!(cut, Cut::Chance | Cut::ChanceNamesKept) {
            random.shuffle(&mut order);
        }
        for number in order {
            let change = &unsynced[number];
            match cut {
                Cut::LoseAll => {}
                Cut::KeepAll => change_content(&mut content, change, self.log, |_| true),
                Cut::Prefix if number < bound => change_content(&mut content, change, self.log, |_| true),
                Cut::Prefix if number == bound => tear(&mut content, change, self.log, random),
                Cut::Newest if number >= bound => change_content(&mut content, change, self.log, |_| true),
                Cut::Prefix | Cut::Newest => {}
                Cut::Chance | Cut::ChanceNamesKept => match random.below(3) {
                    0 => tear(&mut content, change, self.log, random),
                    _ if random.chance(percent) => change_content(&mut content, change, self.log, |_| true),
                    _ => {}
                },
            }
        }
        content
    }

    fn adopt(&mut self, file: u32, path: &Path) {
        let old = self
            .names
            .files
            .get(path)
            .copied()
            .expect("an open of a known file");
        if old == file {
            return;
        }
        for names in [&mut self.names, &mut self.durable_names] {
            for number in names.files.values_mut().filter(|number| **number == old) {
                *number = file;
            }
        }
        let content = self.durable.remove(&old).expect("a file has content");
        self.durable.insert(file, content);
    }

    fn rename_live(&mut self, name: Name) {
        self.names.change(&name);
        self.unsynced_names.push(name);
    }

    fn sync_dir(&mut self, dir: &Path) {
        let (now, later): (Vec<_>, Vec<_>) = self
            .unsynced_names
            .drain(..)
            .partition(|name| name.path().parent() == Some(dir));
        now.iter().for_each(|name| self.durable_names.change(name));
        self.unsynced_names = later;
    }
}

impl Name {
    fn path(&self) -> &Path {
        match self {
            Self::Link { path, .. } | Self::Unlink { path } => path,
            Self::MakeDir { path } | Self::RemoveDir { path } | Self::Rename { to: path, .. } => path,
        }
    }
}

impl Names {
    fn change(&mut self, name: &Name) {
        match name {
            Name::Link { path, file } => {
                self.files.insert(path.clone(), *file);
            }
            Name::Unlink { path } => {
                self.files.remove(path);
            }
            Name::Rename { from, to, file } => {
                self.files.remove(from);
                self.files.insert(to.clone(), *file);
            }
            Name::MakeDir { path } => {
                self.dirs.insert(path.clone());
            }
            Name::RemoveDir { path } => {
                self.dirs.remove(path);
            }
        }
    }
}

fn parents_exist(names: &Names, path: &Path) -> bool {
    let parents = path
        .ancestors()
        .skip(1)
        .filter(|parent| !parent.as_os_str().is_empty());
    parents.into_iter().all(|parent| names.dirs.contains(parent))
}

/// Carries out a change of content; of a write, those 512-byte sectors that `keep` wants.
fn change_content(content: &mut Vec<u8>, change: &Unsynced, log: &Log, mut keep: impl FnMut(u64) -> bool) {
    match change {
        Unsynced::SetLength(length) => content.resize(*length as usize, 0),
        Unsynced::Write { offset, payload } => {
            let bytes = log.bytes(*payload);
            let mut at = *offset as usize;
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let sector = rest.len().min(SECTOR - at % SECTOR);
                let (now, later) = rest.split_at(sector);
                if keep((at / SECTOR) as u64) {
                    let end = at + sector;
                    if content.len() < end {
                        content.resize(end, 0);
                    }
                    content[at..end].copy_from_slice(now);
                }
                at += sector;
                rest = later;
            }
        }
    }
}

/// Keeps a prefix, a suffix, or sectors by chance.
fn tear(content: &mut Vec<u8>, change: &Unsynced, log: &Log, random: &mut Random) {
    let Unsynced::Write { offset, payload } = change else {
        return;
    };
    let (first, sectors) = (offset / SECTOR as u64, payload.length as u64 / SECTOR as u64 + 2);
    let edge = first + random.below(sectors);
    match random.below(3) {
        0 => change_content(content, change, log, |sector| sector < edge),
        1 => change_content(content, change, log, |sector| sector >= edge),
        _ => change_content(content, change, log, |_| random.chance(50)),
    }
}

const SECTOR: usize = 512;
