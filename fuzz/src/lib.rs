//! The fuzz targets: functions that take any bytes, and panic only when a promise is broken.
//!
//! The same functions run in two places: under libFuzzer, from `fuzz_targets/`, and in the ordinary tests,
//! where `tests/fuzz_corpus.rs` replays `corpus/`. Each module also says which inputs its corpus starts from.

pub mod body;
pub mod envelope;
pub mod key_import;
pub mod names;
pub mod operations;
pub mod page;
pub mod vault_record;

/// A target.
pub struct Target {
    /// Of the target and of its folder in the corpus.
    pub name: &'static str,
    /// What it does with an input.
    pub run: fn(&[u8]),
    /// Real encodings, from which the corpus starts: a name for the file and its bytes.
    pub seeds: fn() -> Vec<(String, Vec<u8>)>,
}

/// All targets, in alphabetical order.
pub const TARGETS: &[Target] = &[
    Target {
        name: "body",
        run: body::run,
        seeds: body::seeds,
    },
    Target {
        name: "envelope",
        run: envelope::run,
        seeds: envelope::seeds,
    },
    Target {
        name: "key_import",
        run: key_import::run,
        seeds: key_import::seeds,
    },
    Target {
        name: "names",
        run: names::run,
        seeds: names::seeds,
    },
    Target {
        name: "operations",
        run: operations::run,
        seeds: operations::seeds,
    },
    Target {
        name: "page",
        run: page::run,
        seeds: page::seeds,
    },
    Target {
        name: "vault_record",
        run: vault_record::run,
        seeds: vault_record::seeds,
    },
];
