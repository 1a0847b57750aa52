//! docs/REVOCATION.md shows the table of `src/operations.rs` and the causes of the matrix. To bring it up to
//! date: `UPDATE_DOCS=1 cargo test --test revocation_table`.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod common;
mod matrix;

use matrix::causes::{CAUSES, Undone};
use strongroom::{Basis, Operation, WhileRevoked};

fn table() -> String {
    let mut text = String::from("| # | Operation | While revoked | Why |\n|---|---|---|---|\n");
    for operation in Operation::ALL {
        let state = match operation.while_revoked() {
            WhileRevoked::Blocked => "**refused**",
            WhileRevoked::BlockedWithMetadata => "**refused with user metadata**, else goes on",
            _ => "goes on",
        };
        let why = match operation.basis() {
            Basis::Listed => "listed".to_owned(),
            Basis::Decided(reason) => format!("decided: {reason}"),
            _ => String::new(),
        };
        text += &format!("| {} | {operation} | {state} | {why} |\n", operation.number());
    }
    text
}

fn causes() -> String {
    let mut text = String::from("| Cause | Code | Restored |\n|---|---|---|\n");
    for cause in CAUSES {
        let code = cause
            .code
            .map_or("none: blocks nothing".to_owned(), |code| format!("`{code}`"));
        let restored = match cause.restore {
            Undone::By(_) => "yes".to_owned(),
            Undone::Never(reason) => format!("never: {reason}"),
        };
        text += &format!("| {} | {code} | {restored} |\n", cause.name);
    }
    text
}

/// Compares the part of the page that comes from `source`, or writes it.
#[track_caller]
fn check(source: &str, want: &str) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/REVOCATION.md");
    let [begin, end] = ["begin", "end"].map(|what| format!("<!-- generated from {source}: {what} -->"));
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(&begin).unwrap();
    let (there, after) = rest.split_once(&end).unwrap();
    let want = format!("\n{want}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{before}{begin}{want}{end}{after}")).unwrap();
    } else {
        assert_eq!(there, want, "run with UPDATE_DOCS=1 to bring the page up to date");
    }
}

#[test]
fn the_page_shows_the_tables_of_the_code() {
    check("src/operations.rs", &table());
    check("tests/matrix/causes.rs", &causes());
}
