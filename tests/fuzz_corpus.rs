//! Every input of the fuzz corpus runs through its target in the ordinary tests, without a fuzzer.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

#[path = "../fuzz/src/lib.rs"]
#[expect(
    unreachable_pub,
    dead_code,
    reason = "it is a crate of its own in the fuzz workspace"
)]
mod targets;

use std::fs;
use std::path::Path;

use targets::TARGETS;

#[test]
fn every_input_of_the_corpus_runs() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for target in TARGETS {
        let folder = fs::read_dir(corpus.join(target.name)).expect(target.name);
        let inputs: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
        assert!(!inputs.is_empty(), "{}: the corpus is empty", target.name);
        for input in inputs {
            println!("{}", input.display()); // shown when the target panics
            (target.run)(&fs::read(input).unwrap());
        }
    }
}

#[test]
fn every_target_has_a_binary_and_every_folder_a_target() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let names = |folder: &str| {
        let entries = fs::read_dir(fuzz.join(folder)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        names.sort();
        names
            .iter()
            .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
            .collect::<Vec<_>>()
    };
    let expected: Vec<_> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(names("fuzz_targets"), expected);
    assert_eq!(names("corpus"), expected);
}
