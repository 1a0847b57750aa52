//! What a test counted, on a line that `cargo xtask reliability` reads.
#![allow(
    dead_code,
    clippy::print_stdout,
    reason = "for many tests, and for whoever reads their output"
)]

/// Prints `tally: ROW | subject | what many, ... | failed many`.
pub(crate) fn tally(row: &str, subject: &str, counts: &[(&str, u64)], failed: usize) {
    let counts = counts.iter().map(|(what, many)| format!("{what} {many}"));
    println!(
        "tally: {row} | {subject} | {} | failed {failed}",
        counts.collect::<Vec<_>>().join(", ")
    );
}
