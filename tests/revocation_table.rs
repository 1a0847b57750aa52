//! docs/REVOCATION.md shows the table of `src/operations.rs`. To bring it up to date:
//! `UPDATE_DOCS=1 cargo test --test revocation_table`.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use strongroom::{Basis, Operation, WhileRevoked};

const BEGIN: &str = "<!-- generated from src/operations.rs: begin -->";
const END: &str = "<!-- generated from src/operations.rs: end -->";

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

#[test]
fn the_page_shows_the_table_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/REVOCATION.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (there, after) = rest.split_once(END).unwrap();
    let want = format!("\n{}", table());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{want}{END}{after}")).unwrap();
    } else {
        assert_eq!(there, want, "run with UPDATE_DOCS=1 to bring the page up to date");
    }
}
