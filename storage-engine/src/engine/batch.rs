//! Batches: preconditions and mutations that happen together or not at all.

use super::{BATCH_BYTES_MAX, BATCH_OPERATIONS_MAX, EngineError, KEY_BYTES_MAX, Space, VALUE_BYTES_MAX};

/// What must be true of a key for its batch to apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// The key has no value.
    Absent {
        /// Where the key lives.
        space: Space,
        /// The key.
        key: Vec<u8>,
    },
    /// The key has some value.
    Present {
        /// Where the key lives.
        space: Space,
        /// The key.
        key: Vec<u8>,
    },
    /// The key has exactly this value.
    ValueEquals {
        /// Where the key lives.
        space: Space,
        /// The key.
        key: Vec<u8>,
        /// The value it must have.
        value: Vec<u8>,
    },
}

/// One change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// Removes the key; no error if it is absent.
    Delete {
        /// Where the key lives.
        space: Space,
        /// The key.
        key: Vec<u8>,
    },
    /// Sets the key's value.
    Put {
        /// Where the key lives.
        space: Space,
        /// The key.
        key: Vec<u8>,
        /// Its new value.
        value: Vec<u8>,
    },
}

impl Mutation {
    /// Bytes of key and value.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Delete { key, .. } => key.len(),
            Self::Put { key, value, .. } => key.len() + value.len(),
        }
    }
}

/// Preconditions and mutations, applied atomically by [`Engine::apply`](super::Engine::apply).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// All must hold at the moment of application.
    pub preconditions: Vec<Precondition>,
    /// Carried out in order.
    pub mutations: Vec<Mutation>,
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a write.
    #[must_use]
    pub fn put(mut self, space: Space, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        self.mutations.push(Mutation::Put {
            space,
            key: key.into(),
            value: value.into(),
        });
        self
    }

    /// Adds a removal.
    #[must_use]
    pub fn delete(mut self, space: Space, key: impl Into<Vec<u8>>) -> Self {
        self.mutations.push(Mutation::Delete {
            space,
            key: key.into(),
        });
        self
    }

    /// Adds a precondition.
    #[must_use]
    pub fn require(mut self, precondition: Precondition) -> Self {
        self.preconditions.push(precondition);
        self
    }

    /// True when `more` bytes in one more mutation still fit the limits of one batch.
    #[must_use]
    pub fn fits(&self, more: usize) -> bool {
        self.mutations.len() < BATCH_OPERATIONS_MAX && self.size() + more <= BATCH_BYTES_MAX
    }

    /// Bytes of all keys and values to be written.
    #[must_use]
    pub fn size(&self) -> usize {
        self.mutations.iter().map(Mutation::size).sum()
    }

    /// Checks the limits of the contract; every engine calls it first.
    ///
    /// # Errors
    /// `TooLarge`, naming the limit; `InvalidKey` for an empty key.
    pub fn check_limits(&self) -> Result<(), EngineError> {
        if self.mutations.len() > BATCH_OPERATIONS_MAX {
            return Err(EngineError::TooLarge {
                what: "batch operations",
                size: self.mutations.len(),
                limit: BATCH_OPERATIONS_MAX,
            });
        }
        if self.size() > BATCH_BYTES_MAX {
            return Err(EngineError::TooLarge {
                what: "batch bytes",
                size: self.size(),
                limit: BATCH_BYTES_MAX,
            });
        }
        for mutation in &self.mutations {
            let (key, value) = match mutation {
                Mutation::Delete { key, .. } => (key, 0),
                Mutation::Put { key, value, .. } => (key, value.len()),
            };
            check_key(key)?;
            if value > VALUE_BYTES_MAX {
                return Err(EngineError::TooLarge {
                    what: "value bytes",
                    size: value,
                    limit: VALUE_BYTES_MAX,
                });
            }
        }
        Ok(())
    }
}

fn check_key(key: &[u8]) -> Result<(), EngineError> {
    match key.len() {
        0 => Err(EngineError::InvalidKey),
        size if size > KEY_BYTES_MAX => Err(EngineError::TooLarge {
            what: "key bytes",
            size,
            limit: KEY_BYTES_MAX,
        }),
        _ => Ok(()),
    }
}
