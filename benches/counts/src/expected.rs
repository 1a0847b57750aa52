//! The figures that are expected, in a file that is kept with the sources, and the comparison with them.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Result;

/// What the file holds.
#[derive(Serialize, Deserialize)]
pub(crate) struct Expected {
    /// Shares by which a figure may differ.
    tolerance: Tolerance,
    /// What counted the instructions.
    pub(crate) valgrind: String,
    operations: BTreeMap<String, Counts>,
}

/// Shares by which figures may differ; one allocation more or less never counts.
#[derive(Serialize, Deserialize)]
struct Tolerance {
    allocations: f64,
    bytes: f64,
    instructions: f64,
}

/// What one operation takes.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Calls of the allocator, reallocations included.
    pub(crate) allocations: u64,
    /// Bytes that were asked for.
    pub(crate) bytes: u64,
    /// Instructions; `None` where nothing counted them.
    pub(crate) instructions: Option<u64>,
}

/// How a figure compares with what is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Better,
    Same,
    Worse,
}

/// One figure beside what is expected.
pub(crate) struct Line {
    what: &'static str,
    counted: u64,
    expected: u64,
    pub(crate) verdict: Verdict,
}

impl Default for Expected {
    fn default() -> Self {
        Self {
            tolerance: Tolerance {
                allocations: 0.02,
                bytes: 0.02,
                instructions: 0.03,
            },
            valgrind: String::new(),
            operations: BTreeMap::new(),
        }
    }
}

impl Expected {
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let bytes = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        Ok(fs::write(file, json).map_err(|error| format!("{}: {error}", file.display()))?)
    }

    /// Other figures, the same tolerance.
    pub(crate) fn with(mut self, valgrind: String, operations: BTreeMap<String, Counts>) -> Self {
        self.valgrind = valgrind;
        self.operations = operations;
        self
    }

    /// Each figure of an operation beside what is expected of it.
    pub(crate) fn compare(&self, name: &str, counted: &Counts) -> Result<Vec<Line>> {
        let expected = self.operations.get(name);
        let expected =
            expected.ok_or_else(|| format!("nothing is expected of {name} yet: update the file"))?;
        let tolerance = &self.tolerance;
        let line = |what, (counted, expected), share, slack| Line {
            what,
            counted,
            expected,
            verdict: verdict(counted, expected, (share, slack)),
        };
        let allocations = (counted.allocations, expected.allocations);
        let mut lines = vec![
            line("allocations", allocations, tolerance.allocations, 1.0),
            line("bytes", (counted.bytes, expected.bytes), tolerance.bytes, 16.0),
        ];
        if let (Some(counted), Some(expected)) = (counted.instructions, expected.instructions) {
            lines.push(line(
                "instructions",
                (counted, expected),
                tolerance.instructions,
                1.0,
            ));
        }
        Ok(lines)
    }
}

/// Within the share, or within what is less than any share of a small figure, is the same.
fn verdict(counted: u64, expected: u64, (share, slack): (f64, f64)) -> Verdict {
    let (counted, expected) = (counted as f64, expected as f64);
    let room = (expected * share).max(slack);
    if counted > expected + room {
        Verdict::Worse
    } else if counted < expected - room {
        Verdict::Better
    } else {
        Verdict::Same
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = match self.verdict {
            Verdict::Better => "  better",
            Verdict::Same => "",
            Verdict::Worse => "  WORSE",
        };
        let (what, counted, expected) = (self.what, self.counted, self.expected);
        write!(f, "{what:<13} {counted:>10}, expected {expected:>10}{said}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_beyond_its_tolerance_is_worse_or_better() {
        let cases = [
            (100, 100, Verdict::Same),
            (102, 100, Verdict::Same),
            (103, 100, Verdict::Worse),
            (97, 100, Verdict::Better),
            (1, 0, Verdict::Same),
            (2, 0, Verdict::Worse),
            (6, 5, Verdict::Same),
            (7, 5, Verdict::Worse),
            (3, 5, Verdict::Better),
        ];
        for (counted, expected, want) in cases {
            assert_eq!(
                verdict(counted, expected, (0.02, 1.0)),
                want,
                "{counted} of {expected}"
            );
        }
    }

    #[test]
    fn instructions_are_compared_only_where_both_sides_have_them() -> Result<()> {
        let counts = |instructions| Counts {
            allocations: 10,
            bytes: 1000,
            instructions,
        };
        let expected = Expected::default().with(
            String::new(),
            BTreeMap::from([("put".to_owned(), counts(Some(100)))]),
        );
        assert_eq!(expected.compare("put", &counts(None))?.len(), 2);
        let lines = expected.compare("put", &counts(Some(104)))?;
        assert_eq!(lines.last().map(|line| line.verdict), Some(Verdict::Worse));
        assert!(expected.compare("get", &counts(None)).is_err());
        Ok(())
    }
}
