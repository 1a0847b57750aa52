//! A page of a tree, as it is before sealing: refused, or the one encoding of a page.

use strongroom_engine::tree::fuzzing::{is_page, pages};

/// The input is the plaintext of a page.
pub fn run(data: &[u8]) {
    let _ = is_page(data);
}

/// A leaf, a branch, and both cut short.
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (page, name) in pages().into_iter().zip(["leaf", "branch"]) {
        assert!(is_page(&page), "{name}: a seed is accepted");
        seeds.push((format!("{name}-cut"), page[..page.len() - 1].to_vec()));
        seeds.push((name.to_owned(), page));
    }
    seeds
}
