//! Committing changes of an account: one way to run a transaction and to tell what its failure means.

use std::any::Any;
use std::sync::Arc;

use strongroom_engine::body::{FinishedBody, Location};
use strongroom_engine::codec::CodecError;
use strongroom_engine::tree::{ClosedGate, TreeError, Txn};

use crate::account::AccountCore;
use crate::encryption::KeyGuard;
use crate::error::{Error, Result};

/// Why a transaction did not happen, as the tree hands it back.
pub(crate) enum Failure {
    /// The change itself was refused: nothing happened.
    Refused(Error),
    /// The tree failed; unless the gate was closed, what happened is not known for sure.
    Tree(TreeError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<TreeError> for Failure {
    fn from(error: TreeError) -> Self {
        Self::Tree(error)
    }
}

impl From<CodecError> for Failure {
    fn from(error: CodecError) -> Self {
        Self::Refused(error.into())
    }
}

impl Failure {
    /// True when the change certainly did not happen.
    fn is_definite(&self) -> bool {
        match self {
            Self::Refused(_) => true,
            Self::Tree(error) => matches!(error, TreeError::GateClosed(_) | TreeError::Limit { .. }),
        }
    }
}

impl AccountCore {
    /// Runs `change` in a transaction of the account's tree; durable when this returns.
    pub(crate) fn transact<T, F>(&self, change: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Txn<'_>) -> Result<T, Failure> + Send + 'static,
    {
        self.tree
            .transact(change)
            .map_err(|failure| self.explain(failure))
    }

    /// Like [`transact`](Self::transact) for a change that adopts `body`: gives the body up if the change
    /// certainly did not happen. In doubt the body stays until the store is opened again and finds it
    /// unreferenced.
    pub(crate) fn transact_adopting<T, F>(&self, body: &FinishedBody, change: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Txn<'_>) -> Result<T, Failure> + Send + 'static,
    {
        self.transact_adopting_all(std::slice::from_ref(body), change)
    }

    /// [`transact_adopting`](Self::transact_adopting) for several bodies.
    pub(crate) fn transact_adopting_all<T, F>(&self, bodies: &[FinishedBody], change: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Txn<'_>) -> Result<T, Failure> + Send + 'static,
    {
        self.tree.transact(change).map_err(|failure| {
            if failure.is_definite() {
                self.abandon(bodies);
            }
            self.explain(failure)
        })
    }

    /// Gives up bodies that no commit has adopted.
    pub(crate) fn abandon(&self, bodies: &[FinishedBody]) {
        for body in bodies.iter().map(FinishedBody::reference) {
            if body.location == Location::Chunks {
                // Best effort: what stays behind is reaped at the next open.
                let _ = self.tree.abandon_body(body.id);
            }
        }
    }

    pub(crate) fn explain(&self, failure: Failure) -> Error {
        match failure {
            Failure::Refused(error) => error,
            Failure::Tree(TreeError::GateClosed(ClosedGate(gate))) => {
                let gate: Arc<dyn Any + Send + Sync> = gate;
                // Of this account, of one of its encryption scopes, or of the source of a copy.
                match gate.downcast::<KeyGuard>() {
                    Ok(guard) => guard.refusal(),
                    Err(_) => self.guard.refusal(),
                }
            }
            Failure::Tree(error) => error.into(),
        }
    }
}
