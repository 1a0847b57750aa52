//! Those we are compared with: the limits `raw` and `aead`, and the peers `sqlite` and `sqlcipher`.

pub(crate) mod aead;
pub(crate) mod raw;
pub(crate) mod sqlite;
