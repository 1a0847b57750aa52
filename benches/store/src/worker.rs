//! Our store in a process of its own: a line with a round's number in, a line with its figure out.
//!
//! Row B6 compares two builds of the same library, with and without encryption. Each is such a process, and the
//! harness asks them in turns.
fn main() {}
