//! Tells a tour to a person as it happens; silent when the result is asked for as JSON.

use std::io::{self, IsTerminal};

use crate::output::error::Failure;
use crate::output::{table, write_out};

/// The narrator.
#[derive(Debug)]
pub(crate) struct Story {
    told: bool,
    bold: bool,
    chapter: u32,
}

impl Story {
    /// A story that is told, or kept silent.
    pub(crate) fn new(told: bool) -> Self {
        let bold = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self {
            told,
            bold,
            chapter: 0,
        }
    }

    /// Begins a chapter.
    pub(crate) fn chapter(&mut self, title: &str) -> Result<(), Failure> {
        self.chapter += 1;
        let (on, off) = if self.bold {
            ("\x1b[1m", "\x1b[0m")
        } else {
            ("", "")
        };
        self.tell(&format!("\n{on}{}. {title}{off}\n", self.chapter))
    }

    /// Tells one thing.
    pub(crate) fn line(&self, text: &str) -> Result<(), Failure> {
        self.tell(&format!("   {text}\n"))
    }

    /// Shows a table.
    pub(crate) fn table(&self, headings: &[&str], rows: Vec<Vec<String>>) -> Result<(), Failure> {
        let headings: Vec<String> = headings.iter().map(|&heading| heading.to_owned()).collect();
        let text: String = table::plain(&headings, rows)
            .lines()
            .map(|line| format!("   {line}\n"))
            .collect();
        self.tell(&text)
    }

    fn tell(&self, text: &str) -> Result<(), Failure> {
        if self.told { write_out(text) } else { Ok(()) }
    }
}

/// A size for people: bytes below 10 KiB exactly, more in binary units.
pub(crate) fn size(bytes: u64) -> String {
    if bytes < 10 * 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut units = ["KiB", "MiB", "GiB", "TiB", "PiB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    while value >= 1024.0 {
        let Some(next) = units.next() else { break };
        value /= 1024.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

/// A number with its noun: `1 file`, `2 files`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        let cases = [
            (0, "0 B"),
            (10_239, "10239 B"),
            (10_240, "10.0 KiB"),
            (1 << 20, "1.0 MiB"),
            (5 << 40, "5.0 TiB"),
        ];
        for (bytes, want) in cases {
            assert_eq!(size(bytes), want);
        }
        assert_eq!(
            (count(1, "file"), count(0, "file")),
            ("1 file".into(), "0 files".into())
        );
    }
}
