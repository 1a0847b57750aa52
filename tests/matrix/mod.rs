//! Rows and columns of the revocation matrix.

pub(crate) mod causes;
pub(crate) mod operations;
