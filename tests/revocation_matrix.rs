//! The revocation matrix: every operation under every cause behaves as the table of `src/operations.rs` says,
//! and works again once access is restored. `cargo test --test revocation_matrix -- --nocapture` prints it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may fail loudly, and this one shows the matrix"
)]

mod common;
mod matrix;
#[path = "../storage-engine/tests/common/tally.rs"]
mod tally;

use std::collections::BTreeSet;

use common::World;
use matrix::calls::Place;
use matrix::causes::{CAUSES, Cause, Undone};
use matrix::operations::{CASES, Case, WITHOUT_CALL};
use strongroom::{Basis, Error, ErrorKind, Metadata, Operation, WhileRevoked};

/// The code that a case must meet while `cause` lasts; `None` if it goes on.
fn expected(case: &Case, cause: &Cause) -> Option<&'static str> {
    let blocked = match case.operation.while_revoked() {
        WhileRevoked::Blocked => true,
        WhileRevoked::BlockedWithMetadata => case.form == "with metadata",
        _ => false,
    };
    cause.code.filter(|_| blocked)
}

/// The code of a refusal that is one of a revoked key in every respect.
fn seen(outcome: Result<(), Error>) -> Option<String> {
    let error = outcome.err()?;
    let proper =
        error.status() == 403 && error.kind() == ErrorKind::KeyUnavailable && error.what_to_do().is_some();
    Some(if proper {
        error.code().to_owned()
    } else {
        format!("{} ({}): {error}", error.code(), error.status())
    })
}

/// Makes everything that every case needs in a container of its own, so that no case feels another one.
fn place<'a>(world: &'a World, stage: &'static str) -> Place<'a> {
    let place = Place::new(world, stage);
    place.container.create(&Metadata::new()).unwrap();
    for case in CASES {
        (case.prepare)(&place.of(case));
    }
    place
}

fn succeed(place: &Place<'_>, cause: &Cause) -> usize {
    let failed = CASES.iter().filter_map(|case| {
        let seen = seen((case.call)(&place.of(case)))?;
        Some(format!("{} {}: {seen}", case.operation, case.form))
    });
    let failed: Vec<_> = failed.collect();
    assert_eq!(failed, [""; 0], "{}, {}", cause.name, place.stage);
    CASES.len()
}

/// A line of the printed matrix for each case; returns how many differ.
fn walk(cause: &Cause) -> usize {
    let world = World::customer();
    let [healthy, revoked, restored] = ["healthy", "revoked", "restored"].map(|stage| place(&world, stage));
    succeed(&healthy, cause);
    (cause.revoke)(&world);
    let mut differences = 0;
    for case in CASES {
        let (expected, seen) = (expected(case, cause), seen((case.call)(&revoked.of(case))));
        let differs = expected != seen.as_deref();
        differences += usize::from(differs);
        println!(
            "{:<32} {:<17} {:<28} {:<38} {}{}",
            case.operation.rest_name(),
            case.form,
            cause.name,
            expected.unwrap_or("goes on"),
            seen.as_deref().unwrap_or("goes on"),
            if differs { "  DIFFERS" } else { "" },
        );
    }
    match cause.restore {
        Undone::By(restore) => {
            restore(&world);
            succeed(&restored, cause);
        }
        Undone::Never(reason) => println!("{}: cannot be restored: {reason}", cause.name),
    }
    differences
}

#[test]
fn every_operation_under_every_cause_is_as_the_table_says() {
    let differences: usize = CAUSES.iter().map(walk).sum();
    let counts = [
        ("operations", CASES.len() as u64),
        ("causes", CAUSES.len() as u64),
    ];
    tally::tally("R11", "an account", &counts, differences);
    assert_eq!(differences, 0, "differences");
}

#[test]
fn every_operation_has_its_cases_or_a_reason() {
    for &operation in Operation::ALL {
        let forms: BTreeSet<_> = CASES
            .iter()
            .filter(|case| case.operation == operation)
            .map(|case| case.form)
            .collect();
        let excused = WITHOUT_CALL
            .iter()
            .any(|(without, reason)| *without == operation && !reason.is_empty());
        assert_eq!(
            excused,
            forms.is_empty(),
            "{operation} has cases, or a reason to have none"
        );
        if operation.while_revoked() == WhileRevoked::BlockedWithMetadata {
            assert_eq!(
                forms,
                BTreeSet::from(["with metadata", "without metadata"]),
                "{operation}"
            );
        }
    }
}

#[test]
fn the_listed_operations_and_only_they_are_refused() {
    let of_basis = |listed: bool| {
        let rows = Operation::ALL.iter().filter(move |row| {
            row.while_revoked() != WhileRevoked::Allowed && (row.basis() == Basis::Listed) == listed
        });
        rows.map(|row| row.rest_name()).collect::<Vec<_>>()
    };
    assert_eq!(of_basis(true).len(), 17);
    let decided = ["Put Blob From URL", "Query Blob Contents", "Put Block List"];
    assert_eq!(of_basis(false), decided);
}
