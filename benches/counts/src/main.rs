//! Allocations and instructions of a few operations, beside what is expected of them.
//!
//! Unlike times, counts are the same on a busy machine. Everything that could vary is fixed: the engine is in
//! memory, clock and randomness stand still or repeat themselves, and the RSA keys are ready-made.
//!
//! ```sh
//! benches/count
//! benches/count update
//! ```

mod expected;
mod instructions;
mod operations;

use std::alloc::System;
use std::error::Error;
use std::io::Write as _;
use std::ops::Range;
use std::path::Path;
use std::process::ExitCode;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use expected::{Counts, Expected, Verdict};
use operations::{OPERATIONS, Operation, Step};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const USAGE: &str = "usage: strongroom-bench-counts check FILE      compare with the file; fails if worse
       strongroom-bench-counts update FILE     write what is counted now";

/// The command that makes the figures of now the expected ones.
const UPDATE: &str = "benches/count update";

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[String]) -> Result<bool> {
    match &words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["check", file] => check(Path::new(file)),
        ["update", file] => update(Path::new(file)).map(|()| true),
        // What `instructions` runs under valgrind.
        [instructions::REPEAT, name, times] => repeat(name, times.parse()?).map(|()| true),
        _ => Err(USAGE.into()),
    }
}

/// Counts everything and says what is worse and what is better. True if nothing is worse.
fn check(file: &Path) -> Result<bool> {
    let expected = Expected::read(file)?;
    let valgrind = instructions::valgrind();
    let (mut worse, mut better) = (0, 0);
    let mut out = std::io::stdout().lock();
    for operation in &OPERATIONS {
        let counted = count(operation, valgrind.is_some())?;
        for line in expected.compare(operation.name, &counted)? {
            writeln!(out, "   {:<12} {line}", operation.name)?;
            match line.verdict {
                Verdict::Worse => worse += 1,
                Verdict::Better => better += 1,
                Verdict::Same => {}
            }
        }
    }
    match &valgrind {
        Some(version) if *version == expected.valgrind => {}
        Some(version) => writeln!(
            out,
            "   the expected instructions are those of {}, this is {version}",
            expected.valgrind
        )?,
        None => writeln!(out, "   instructions: NOT CHECKED, there is no valgrind")?,
    }
    if better > 0 {
        writeln!(
            out,
            "   {better} figures are better; to hold on to them: {UPDATE}"
        )?;
    }
    if worse > 0 {
        writeln!(
            out,
            "   {worse} figures are WORSE; if that is the price of something, say so and: {UPDATE}"
        )?;
    }
    Ok(worse == 0)
}

fn update(file: &Path) -> Result<()> {
    let valgrind =
        instructions::valgrind().ok_or("valgrind is not installed, and the file has instructions")?;
    let counts: Result<_> = OPERATIONS
        .iter()
        .map(|operation| Ok((operation.name.to_owned(), count(operation, true)?)))
        .collect();
    Expected::read(file)
        .unwrap_or_default()
        .with(valgrind, counts?)
        .write(file)
}

fn count(operation: &Operation, with_instructions: bool) -> Result<Counts> {
    let allocated = allocations(operation)?;
    Ok(Counts {
        allocations: allocated.allocations,
        bytes: allocated.bytes,
        instructions: with_instructions
            .then(|| instructions::count(operation))
            .transpose()?,
    })
}

/// Allocations of one operation, all threads together.
fn allocations(operation: &Operation) -> Result<Counts> {
    let mut step = warm(operation)?;
    let region = Region::new(ALLOCATOR);
    counted(&mut step, WARMING..WARMING + operation.repeats)?;
    let change = region.change();
    let times = operation.repeats as u64;
    Ok(Counts {
        allocations: (change.allocations + change.reallocations) as u64 / times,
        bytes: change.bytes_allocated as u64 / times,
        instructions: None,
    })
}

fn repeat(name: &str, times: usize) -> Result<()> {
    let operation = OPERATIONS.iter().find(|operation| operation.name == name);
    let mut step = warm(operation.ok_or("no such operation")?)?;
    counted(&mut step, WARMING..WARMING + times)
}

/// The operation on a store of its own, done a few times already: caches and generators are filled.
fn warm(operation: &Operation) -> Result<Step> {
    let mut step = (operation.prepare)()?;
    (0..WARMING).try_for_each(&mut step)?;
    Ok(step)
}

/// What is counted. Valgrind finds it by its name.
#[inline(never)]
fn counted(step: &mut Step, mut numbers: Range<usize>) -> Result<()> {
    numbers.try_for_each(step)
}

/// How often an operation is done before it is counted.
const WARMING: usize = 2;
