//! The counts of a run as a table, on the terminal and in docs/RELIABILITY.md.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::error::{Error, Result, at};
use crate::programme::{PROGRAMME, Unit};
use crate::record::{Done, Record};
use crate::tally::Tally;

const BEGIN: &str = "<!-- run -->";
const END: &str = "<!-- /run -->";

/// Prints what a run would do.
pub(crate) fn list(units: &[Unit]) {
    for unit in units {
        let environment = unit.environment();
        let set = environment.iter().map(|(name, value)| format!("{name}={value}"));
        println!("{:44} {}", unit.name(), set.collect::<Vec<_>>().join(" "));
    }
}

/// Prints how one unit went.
pub(crate) fn line(name: &str, done: &Done) {
    let verdict = if done.passed { "passed" } else { "FAILED" };
    println!("{verdict} {name} in {} s", done.seconds);
}

/// What was counted, by row and subject.
pub(crate) fn table(record: &Record) -> String {
    let mut text = String::from("| Row | Promise | Tried with | Counted | Failed |\n|---|---|---|---|---|\n");
    for row in PROGRAMME {
        for (subject, sum) in sums(record, row.name) {
            let counts = sum
                .counts
                .iter()
                .map(|(what, many)| format!("{} {what}", thousands(*many)));
            let counts = counts.collect::<Vec<_>>().join(", ");
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "| {} | {} | {subject} | {counts} | {} |",
                row.name, row.promise, sum.failed
            );
        }
    }
    text
}

/// Tallies of a row, those of equal subjects added up.
fn sums(record: &Record, row: &str) -> BTreeMap<String, Tally> {
    let mut sums = BTreeMap::<String, Tally>::new();
    let tallies = record.done.values().flat_map(|done| &done.tallies);
    for tally in tallies.filter(|tally| tally.row == row) {
        match sums.get_mut(&tally.subject) {
            Some(sum) => sum.add(tally),
            None => drop(sums.insert(tally.subject.clone(), tally.clone())),
        }
    }
    sums
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes the table into docs/RELIABILITY.md and the record beside it.
pub(crate) fn publish(root: &Path, record: &Record) -> Result<()> {
    let path = root.join("docs/RELIABILITY.md");
    let text = fs::read_to_string(&path).map_err(at(&path))?;
    let new = replaced(&text, &section(record)).ok_or_else(|| Error::Marks(path.clone()))?;
    record.write(&root.join("docs/reliability/last-run.json"))?;
    fs::write(&path, new).map_err(at(&path))
}

fn section(record: &Record) -> String {
    let seconds: u64 = record.done.values().map(|done| done.seconds).sum();
    let size = if record.full { "full" } else { "quick" };
    let failed = record.done.values().filter(|done| !done.passed).count();
    format!(
        "A {size} run of commit {}, begun {}, on {}: {} units in {} min, {failed} of them failed.\n\n{}",
        record.commit,
        record.begun,
        record.machine,
        record.done.len(),
        seconds / 60,
        table(record)
    )
}

fn replaced(text: &str, section: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{section}{END}{after}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use std::path::Path;

    use super::{BEGIN, END, publish, replaced, section, table, thousands};
    use crate::record::{Done, Record};
    use crate::tally::Tally;

    fn record() -> Record {
        let done = |line: &str| Done {
            row: "R1".into(),
            passed: true,
            seconds: 61,
            tallies: vec![Tally::read(line).unwrap()],
        };
        let mut record = Record {
            commit: "abc".into(),
            ..Record::default()
        };
        record
            .done
            .insert("one".into(), done("tally: R1 | sled | kills 1700 | failed 0"));
        record
            .done
            .insert("two".into(), done("tally: R1 | sled | kills 300 | failed 1"));
        record
    }

    #[test]
    fn equal_subjects_are_one_line() {
        let table = table(&record());
        assert!(table.contains("| sled | 2,000 kills | 1 |"), "{table}");
        assert_eq!(table.lines().count(), 3);
        assert_eq!(
            [999, 1_000, 1_234_567].map(thousands),
            ["999", "1,000", "1,234,567"]
        );
    }

    #[test]
    fn the_table_is_put_between_its_marks() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("docs/RELIABILITY.md");
        std::fs::create_dir(directory.path().join("docs")).unwrap();
        std::fs::write(&path, "# R\nno marks\n").unwrap();
        assert!(publish(directory.path(), &record()).is_err());
        std::fs::write(&path, format!("# R\n{BEGIN}old{END}\nafter\n")).unwrap();
        publish(directory.path(), &record()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("2,000 kills") && text.ends_with("after\n") && !text.contains("old"));
    }

    #[test]
    fn the_page_shows_the_run_whose_record_lies_beside_it() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let record = Record::read(&root.join("docs/reliability/last-run.json"))
            .unwrap()
            .unwrap();
        let page = std::fs::read_to_string(root.join("docs/RELIABILITY.md")).unwrap();
        assert_eq!(replaced(&page, &section(&record)).unwrap(), page);
    }
}
