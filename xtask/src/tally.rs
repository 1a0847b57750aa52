//! What a test counted, as it says so on a line of its output.
//!
//! `tally: R2 | sled, bodies in files | images 30, operations 1308 | failed 0`

use serde::{Deserialize, Serialize};

/// One such line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) row: String,
    /// Engine and placement, or what else was tried.
    pub(crate) subject: String,
    /// What was counted, and how many there were.
    pub(crate) counts: Vec<(String, u64)>,
    pub(crate) failed: u64,
}

impl Tally {
    /// Reads a line; `None` if it is none of these. The test runner may have printed something in front.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let (_, line) = line.split_once("tally: ")?;
        let mut parts = line.split(" | ");
        let (row, subject) = (parts.next()?, parts.next()?);
        let counts = parts.next()?.split(", ").map(counted).collect::<Option<_>>()?;
        let ("failed", failed) = parts.next()?.trim_end().split_once(' ')? else {
            return None;
        };
        Some(Self {
            row: row.to_owned(),
            subject: subject.to_owned(),
            counts,
            failed: failed.parse().ok()?,
        })
    }

    /// Adds what another run of the same counted.
    pub(crate) fn add(&mut self, other: &Self) {
        for (what, many) in &other.counts {
            match self.counts.iter_mut().find(|(known, _)| known == what) {
                Some((_, sum)) => *sum += many,
                None => self.counts.push((what.clone(), *many)),
            }
        }
        self.failed += other.failed;
    }
}

fn counted(text: &str) -> Option<(String, u64)> {
    let (what, many) = text.rsplit_once(' ')?;
    Some((what.to_owned(), many.parse().ok()?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use super::Tally;

    #[test]
    fn lines_are_read_wherever_they_begin() {
        let cases = [
            ("tally: R1 | sled | kills 3, acknowledged 17 | failed 0", true),
            (
                ".test x ... tally: R1 | sled | kills 3, acknowledged 17 | failed 0\n",
                true,
            ),
            ("tally: R1 | sled | kills 3", false),
            ("tally: R1 | sled | kills many | failed 0", false),
            ("tally: R1 | sled | kills 3 | passed 0", false),
            ("R1 | sled | kills 3 | failed 0", false),
        ];
        for (line, good) in cases {
            let read = Tally::read(line);
            assert_eq!(read.is_some(), good, "{line}");
            let Some(tally) = read else { continue };
            let counts = [("kills".to_owned(), 3), ("acknowledged".to_owned(), 17)];
            assert_eq!((tally.counts.as_slice(), tally.failed), (counts.as_slice(), 0));
        }
    }

    #[test]
    fn counts_of_equal_names_are_added() {
        let read = |line| Tally::read(line).unwrap();
        let mut sum = read("tally: R1 | sled | kills 3 | failed 1");
        sum.add(&read("tally: R1 | sled | kills 4, torn writes 2 | failed 2"));
        assert_eq!(sum, read("tally: R1 | sled | kills 7, torn writes 2 | failed 3"));
    }
}
