//! Storing chunks beside sealing them: a thread per large body, so that the two take turns at nothing.
//!
//! Only sealed bytes cross over. At most [`BATCHES_MAX`] batches wait, so memory stays bounded and a store
//! that is slower than the cipher slows the caller down. The thread ends with the pipe.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::BodyError;
use crate::chunks::{ChunkId, ChunkStore};
use crate::engine::EngineError;

/// Batches that may wait while one is being stored.
const BATCHES_MAX: usize = 2;

type Batch = Vec<(ChunkId, Vec<u8>)>;

/// A thread that stores batches of chunks in the order in which they come.
pub(super) struct Pipe {
    /// `None` once closed.
    batches: Option<SyncSender<Batch>>,
    thread: Option<JoinHandle<Result<(), EngineError>>>,
}

impl Pipe {
    pub(super) fn start(chunks: Arc<dyn ChunkStore>) -> Result<Self, BodyError> {
        let (sender, receiver) = sync_channel(BATCHES_MAX);
        let thread = std::thread::Builder::new()
            .name("strongroom-put".to_owned())
            .spawn(move || store(chunks.as_ref(), &receiver))
            .map_err(|error| EngineError::io("starting a thread", None, error))?;
        Ok(Self {
            batches: Some(sender),
            thread: Some(thread),
        })
    }

    /// Hands over a batch; waits while too many wait already. After a failed batch it gives that failure.
    pub(super) fn put(&mut self, batch: Batch) -> Result<(), BodyError> {
        match &self.batches {
            Some(batches) if batches.send(batch).is_ok() => Ok(()),
            _ => {
                self.close()?;
                Err(BodyError::Interrupted)
            }
        }
    }

    /// Returns once every batch is stored, or one has failed.
    pub(super) fn close(&mut self) -> Result<(), BodyError> {
        self.batches = None;
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(stored)) => Ok(stored?),
            Some(Err(_)) => Err(BodyError::Interrupted),
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        // Who drops an open pipe gives the body up, and must find all of it there.
        let _ = self.close();
    }
}

fn store(chunks: &dyn ChunkStore, batches: &Receiver<Batch>) -> Result<(), EngineError> {
    batches.iter().try_for_each(|batch| chunks.put(batch))
}
