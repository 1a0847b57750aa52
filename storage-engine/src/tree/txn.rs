//! Transactions: a function over the in-progress state of a tree, run by the committer.

use std::sync::Arc;

use super::read::{self, Query};
use super::work::Work;
use super::{Entry, Gate, KEY_BYTES_MAX, TreeError, VALUE_BYTES_MAX};
use crate::body::{BodyRef, FinishedBody};
use crate::engine::{KeyRange, Order};

/// A transaction: reads see its own writes.
pub struct Txn<'a> {
    work: &'a mut Work,
    pub(super) gates: Vec<Arc<dyn Gate>>,
    /// An error that left a change half done: whatever the caller makes of it, this must not be committed.
    pub(super) broken: Option<TreeError>,
}

impl<'a> Txn<'a> {
    pub(super) fn new(work: &'a mut Work) -> Self {
        Self {
            work,
            gates: Vec::new(),
            broken: None,
        }
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, TreeError> {
        if is_user_key(key) {
            read::get(&self.work.tree.pages, self.work.root(), key)
        } else {
            Ok(None)
        }
    }

    /// At most `limit` entries of `range`.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn range(&self, range: &KeyRange, order: Order, limit: usize) -> Result<Vec<Entry>, TreeError> {
        let query = Query { range, order, limit };
        read::range(&self.work.tree.pages, self.work.root(), &query)
    }

    /// Sets `key` to `value`.
    ///
    /// # Errors
    /// [`TreeError::Limit`].
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), TreeError> {
        check_key(key)?;
        if value.len() > VALUE_BYTES_MAX {
            return Err(TreeError::Limit {
                what: "value",
                size: value.len(),
                limit: VALUE_BYTES_MAX,
            });
        }
        self.change(|work| work.put(key, value))
    }

    /// Removes `key`; true if it was there.
    ///
    /// # Errors
    /// [`TreeError`].
    pub fn delete(&mut self, key: &[u8]) -> Result<bool, TreeError> {
        check_key(key)?;
        self.change(|work| work.delete(key))
    }

    /// Makes a finished body part of this commit with one reference, and returns what a record keeps to read
    /// it.
    ///
    /// # Errors
    /// [`TreeError::UnknownBody`] when the body was given up.
    pub fn adopt_body(&mut self, body: &FinishedBody) -> Result<BodyRef, TreeError> {
        self.change(|work| work.adopt(body))
    }

    /// Adds one reference to a body that was adopted before.
    ///
    /// # Errors
    /// [`TreeError::UnknownBody`] when nothing refers to the body any more.
    pub fn add_reference(&mut self, body: &BodyRef) -> Result<(), TreeError> {
        self.change(|work| work.add_reference(body))
    }

    /// Drops one reference to a body; the last one releases its space.
    ///
    /// # Errors
    /// [`TreeError::UnknownBody`] when nothing refers to the body any more.
    pub fn release_body(&mut self, body: &BodyRef) -> Result<(), TreeError> {
        self.change(|work| work.release(body))
    }

    /// Lets this transaction commit only through `gate`.
    pub fn through(&mut self, gate: Arc<dyn Gate>) {
        self.gates.push(gate);
    }

    fn change<T>(&mut self, change: impl FnOnce(&mut Work) -> Result<T, TreeError>) -> Result<T, TreeError> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        change(self.work).inspect_err(|error| {
            if !matches!(error, TreeError::UnknownBody(_)) {
                self.broken = Some(error.clone());
            }
        })
    }
}

/// True for keys outside room 0 and within the limit.
pub(super) fn is_user_key(key: &[u8]) -> bool {
    (1..=KEY_BYTES_MAX).contains(&key.len()) && key.first() != Some(&0)
}

fn check_key(key: &[u8]) -> Result<(), TreeError> {
    if is_user_key(key) {
        Ok(())
    } else {
        Err(TreeError::Limit {
            what: "key",
            size: key.len(),
            limit: KEY_BYTES_MAX,
        })
    }
}
