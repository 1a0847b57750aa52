//! Those we are compared with: the limits `raw` and `aead`, and the peers `sqlite`, `sqlcipher` and `age +
//! files`.

pub(crate) mod aead;
pub(crate) mod age;
pub(crate) mod raw;
pub(crate) mod sqlite;
