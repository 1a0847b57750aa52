//! Rows and columns of the revocation matrix.
#![allow(dead_code, reason = "every test file uses its own part")]

pub(crate) mod calls;
pub(crate) mod causes;
pub(crate) mod operations;
