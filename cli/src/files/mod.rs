//! The user's own files: found, named as blobs, and written back whole or not at all.

pub(crate) mod find;
pub(crate) mod glob;
pub(crate) mod secret;
pub(crate) mod sink;
