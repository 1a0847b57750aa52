//! The error codes of the Blob service, and what produces them.

pub(crate) mod lists;
pub(crate) mod produced;
