//! The rows of the table: what each measures, and against whom.

mod blobs;
mod growth;
mod keys;
mod revocation;

use strongroom_bench_store::Result;

use crate::args::Args;
use crate::report::Measured;

/// A row by its id, and how to measure it.
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) run: fn(&Args) -> Result<Vec<Measured>>,
}

const ROWS: [Row; 12] = [
    Row {
        id: "B1",
        run: blobs::put,
    },
    Row {
        id: "B2",
        run: blobs::get,
    },
    Row {
        id: "B3",
        run: blobs::small_puts,
    },
    Row {
        id: "B4",
        run: blobs::small_gets,
    },
    Row {
        id: "B5",
        run: blobs::random_reads,
    },
    Row {
        id: "B6",
        run: keys::encryption,
    },
    Row {
        id: "B7",
        run: keys::customer_key,
    },
    Row {
        id: "B8",
        run: keys::rotation,
    },
    Row {
        id: "B9",
        run: revocation::revocation,
    },
    Row {
        id: "B10",
        run: growth::many_blobs,
    },
    Row {
        id: "B11",
        run: growth::memory,
    },
    Row {
        id: "B12",
        run: growth::space,
    },
];

/// The rows the command line asks for, in their order.
pub(crate) fn selected(args: &Args) -> impl Iterator<Item = &'static Row> {
    ROWS.iter()
        .filter(|row| args.rows.is_empty() || args.rows.iter().any(|id| id == row.id))
}
