//! What a run has done so far, on the disk after every unit: a run that was stopped can be carried on.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, at};
use crate::tally::Tally;

/// A run of the programme.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// What was tested; with `-dirty` where files differed from the commit.
    pub(crate) commit: String,
    pub(crate) full: bool,
    /// When it began (RFC 3339).
    pub(crate) begun: String,
    /// Processors, memory and system.
    pub(crate) machine: String,
    /// By name of the unit.
    pub(crate) done: BTreeMap<String, Done>,
}

/// A unit that has been run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) row: String,
    pub(crate) passed: bool,
    pub(crate) seconds: u64,
    pub(crate) tallies: Vec<Tally>,
}

impl Record {
    /// Reads what a run has left; `None` if there was none.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(path).map_err(at(path))?;
        let read = serde_json::from_str(&text);
        read.map(Some).map_err(|source| Error::Record {
            path: path.to_path_buf(),
            source,
        })
    }

    /// Puts it in place of what is there, whole.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let new: PathBuf = path.with_extension("new");
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(at(parent))?;
        }
        let text = serde_json::to_string_pretty(self).map_err(|source| Error::Record {
            path: path.to_path_buf(),
            source,
        })?;
        fs::write(&new, text + "\n").map_err(at(&new))?;
        fs::rename(&new, path).map_err(at(path))
    }

    /// Every unit passed, and counted something.
    pub(crate) fn passed(&self) -> bool {
        !self.done.is_empty() && self.done.values().all(|done| done.passed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::{Done, Record};

    #[test]
    fn a_record_is_read_back_and_damage_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("below/run.json");
        assert_eq!(Record::read(&path).unwrap(), None);
        let done = Done {
            row: "R1".into(),
            passed: true,
            seconds: 3,
            tallies: Vec::new(),
        };
        let mut record = Record {
            commit: "c".into(),
            ..Record::default()
        };
        assert!(!record.passed(), "nothing was tried");
        record.done.insert("R1 kill_nine".into(), done);
        record.write(&path).unwrap();
        assert_eq!(Record::read(&path).unwrap(), Some(record));
        std::fs::write(&path, "{").unwrap();
        assert!(Record::read(&path).is_err());
    }
}
