//! The checksums of content on its way in, computed beside everything else that happens to it.
//!
//! MD5 takes longer than the rest of an upload, so larger content has a thread for it, which is waited for
//! only when the content is sealed, stored and flushed. What waits for it is content: it lies in slots that a
//! revocation empties, like what the checksums themselves remember.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread::{Builder, JoinHandle};

use strongroom_engine::SecretBuffer;
use strongroom_engine::slot::{Revocable, Slot};

use super::checksums::{Checksums, Expected};
use super::crc64::Crc64;
use crate::encryption::BlobKeys;
use crate::error::{Error, ErrorKind, Result};

/// A piece of content from here on is handed to the thread. Starting it takes as long as hashing some 20 KiB.
const BESIDE_MIN: usize = 64 << 10;
/// Buffers that may wait for the thread, the one that it works on included. Content is sealed and stored so
/// far ahead of its MD5, and not further: what waits takes memory in every upload.
const WAITING_MAX: usize = 3;

/// Computes the checksums of one content.
pub(super) struct Hashing {
    keys: BlobKeys,
    /// In a slot, because it remembers up to 63 bytes of content.
    checksums: Arc<Slot<Checksums>>,
    /// Bytes of content with which hashing is slow: those that MD5 is computed of.
    slow: u64,
    taken: u64,
    /// Bytes hashed at once, while whoever revokes waits.
    piece: usize,
    beside: Option<Beside>,
    /// For content that stays the caller's: holds none of it.
    spare: SecretBuffer,
}

impl Hashing {
    pub(super) fn begin(keys: &BlobKeys, expected: Expected, piece: usize) -> Result<Self> {
        let checksums = Arc::new(Slot::new(Checksums::new(expected)));
        let slot: Arc<dyn Revocable> = checksums.clone();
        keys.register(&Arc::downgrade(&slot))?;
        Ok(Self {
            keys: keys.clone(),
            checksums,
            slow: expected.md5_bytes(),
            taken: 0,
            piece,
            beside: None,
            spare: SecretBuffer::default(),
        })
    }

    /// Takes the next bytes of content, which stay the caller's.
    pub(super) fn take(&mut self, part: &[u8]) -> Result<()> {
        if part.len() < BESIDE_MIN || self.taken >= self.slow {
            return self.here(part);
        }
        let mut buffer = std::mem::take(&mut self.spare);
        buffer.clear();
        buffer.extend_from_slice(part);
        self.spare = self.take_buffer(buffer, part.len())?;
        Ok(())
    }

    /// Takes a buffer that begins with `count` bytes of content, and gives one that holds none.
    pub(super) fn take_buffer(&mut self, mut buffer: SecretBuffer, count: usize) -> Result<SecretBuffer> {
        let is_slow = self.taken < self.slow && (count >= BESIDE_MIN || self.beside.is_some());
        if is_slow && self.beside.is_none() {
            self.beside = Beside::start(&self.checksums, self.piece);
        }
        let Some(beside) = self.beside.as_mut().filter(|_| is_slow) else {
            let part = buffer.as_mut_slice().get_mut(..count).unwrap_or_default();
            self.here(part)?;
            part.fill(0);
            return Ok(buffer);
        };
        self.taken += count as u64;
        let keys = &self.keys;
        let taken = beside.take((buffer, count), |slot| keys.register(slot))?;
        taken.ok_or_else(|| self.settle().err().unwrap_or_else(|| self.keys.refusal()))
    }

    /// What the content has come to, once all of it is hashed.
    pub(super) fn finish(mut self) -> Result<(Option<[u8; 16]>, Crc64)> {
        self.settle()?;
        let finished = self.checksums.with(Checksums::finish);
        finished.ok_or_else(|| self.keys.refusal())?
    }

    /// Hashes on this thread, behind all that waits.
    fn here(&mut self, part: &[u8]) -> Result<()> {
        self.settle()?;
        self.taken += part.len() as u64;
        part.chunks(self.piece).try_for_each(|piece| {
            let hashed = self.checksums.with(|checksums| checksums.update(piece));
            hashed.ok_or_else(|| self.keys.refusal())
        })
    }

    /// Waits for all that waits, and ends the thread.
    fn settle(&mut self) -> Result<()> {
        match self.beside.take().map(Beside::finish) {
            None | Some(Ended::Whole) => Ok(()),
            Some(Ended::Revoked) => Err(self.keys.refusal()),
            Some(Ended::Panicked) => Err(ended_early()),
        }
    }
}

/// A buffer and how many bytes of content it begins with.
#[derive(Default)]
struct Waiting {
    buffer: SecretBuffer,
    length: usize,
}

type WaitingSlot = Arc<Slot<Waiting>>;

/// The thread. It ends with this.
struct Beside {
    /// `None` once nothing more comes.
    full: Option<Sender<WaitingSlot>>,
    empty: Receiver<WaitingSlot>,
    slots: Vec<WaitingSlot>,
    thread: Option<JoinHandle<bool>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Whole,
    Revoked,
    Panicked,
}

impl Beside {
    /// `None` where no thread is to be had.
    fn start(checksums: &Arc<Slot<Checksums>>, piece: usize) -> Option<Self> {
        let (full, to_hash) = channel::<WaitingSlot>();
        let (hashed, empty) = channel();
        let checksums = Arc::clone(checksums);
        let thread = Builder::new().name("strongroom-hash".to_owned()).spawn(move || {
            to_hash.iter().all(|slot| {
                let is_hashed = hash(&slot, &checksums, piece);
                let _ = hashed.send(slot); // Unless nobody wants to fill it again.
                is_hashed
            })
        });
        Some(Self {
            full: Some(full),
            empty,
            slots: Vec::new(),
            thread: Some(thread.ok()?),
        })
    }

    /// Takes a buffer over and gives an empty one; waits while too many are full. `None` once the thread has
    /// ended or a slot was emptied.
    fn take(
        &mut self,
        (buffer, length): (SecretBuffer, usize),
        register: impl FnOnce(&Weak<dyn Revocable>) -> Result<()>,
    ) -> Result<Option<SecretBuffer>> {
        let slot = match self.empty.try_recv() {
            Ok(slot) => slot,
            Err(_) if self.slots.len() < WAITING_MAX => {
                let slot = Arc::new(Slot::new(Waiting::default()));
                let revocable: Arc<dyn Revocable> = slot.clone();
                register(&Arc::downgrade(&revocable))?;
                self.slots.push(slot.clone());
                slot
            }
            Err(_) => match self.empty.recv() {
                Ok(slot) => slot,
                Err(_) => return Ok(None),
            },
        };
        let full = Waiting { buffer, length };
        let empty = slot.with(|waiting| std::mem::replace(waiting, full).buffer);
        let is_sent = self.full.as_ref().is_some_and(|full| full.send(slot).is_ok());
        Ok(empty.filter(|_| is_sent))
    }

    fn finish(mut self) -> Ended {
        self.full = None;
        match self.thread.take().map(JoinHandle::join) {
            None | Some(Ok(true)) => Ended::Whole,
            Some(Ok(false)) => Ended::Revoked,
            Some(Err(_)) => Ended::Panicked,
        }
    }
}

impl Drop for Beside {
    /// What is given up is not hashed to its end, and nothing of it is left.
    fn drop(&mut self) {
        self.full = None;
        self.slots.iter().for_each(|slot| slot.revoke());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Hashes what a slot holds, and wipes it; false if it, or the checksums, were emptied.
fn hash(slot: &Slot<Waiting>, checksums: &Slot<Checksums>, piece: usize) -> bool {
    let mut from = 0;
    loop {
        let hashed = slot.with(|waiting| {
            let part = waiting.buffer.as_slice().get(from..waiting.length);
            let part = part.unwrap_or_default();
            let part = part.get(..piece).unwrap_or(part);
            let hashed = checksums.with(|checksums| checksums.update(part));
            hashed.map(|()| part.len())
        });
        match hashed.flatten() {
            None => return false,
            Some(0) => return slot.with(|waiting| waiting.buffer.wipe()).is_some(),
            Some(count) => from += count,
        }
    }
}

fn ended_early() -> Error {
    Error::new(
        ErrorKind::Io,
        "InternalError",
        500,
        "the computation of the content's checksums ended early",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(byte: u8) -> (SecretBuffer, usize) {
        let mut buffer = SecretBuffer::default();
        buffer.extend_from_slice(&[byte; 300]);
        (buffer, 200)
    }

    #[test]
    fn what_a_thread_hashes_is_what_it_was_given_in_order() {
        let checksums = Arc::new(Slot::new(Checksums::new(Expected::default())));
        let mut beside = Beside::start(&checksums, 64).unwrap();
        let mut whole = Checksums::new(Expected::default());
        for byte in 0..20 {
            let empty = beside.take(filled(byte), |_| Ok(())).unwrap().unwrap();
            assert!(empty.as_slice().iter().all(|byte| *byte == 0), "buffer {byte}");
            whole.update(&[byte; 200]);
        }
        assert_eq!(beside.slots.len(), WAITING_MAX);
        assert_eq!(beside.finish(), Ended::Whole);
        let computed = checksums.with(|checksums| checksums.finish().unwrap());
        assert_eq!(computed, Some(whole.finish().unwrap()));
    }

    /// While the thread is stopped, content waits. Whoever revokes finds all of it, and nothing is hashed
    /// after that.
    #[test]
    fn what_waits_is_emptied_by_a_revocation_and_ends_the_thread() {
        let checksums = Arc::new(Slot::new(Checksums::new(Expected::default())));
        let mut beside = Beside::start(&checksums, 64).unwrap();
        let mut registered = Vec::new();
        checksums.with(|_| {
            for byte in 0..3 {
                let taken = beside.take(filled(byte), |slot| {
                    registered.push(slot.clone());
                    Ok(())
                });
                assert!(taken.unwrap().is_some());
            }
            assert_eq!(registered.len(), 3);
            // The thread may hold the first one: it waits for the checksums with it.
            registered
                .iter()
                .skip(1)
                .for_each(|slot| slot.upgrade().unwrap().revoke());
            assert!(
                beside
                    .slots
                    .iter()
                    .skip(1)
                    .all(|slot| slot.with(|_| ()).is_none())
            );
        });
        assert_eq!(beside.finish(), Ended::Revoked);
    }

    #[test]
    fn what_is_given_up_leaves_nothing() {
        let checksums = Arc::new(Slot::new(Checksums::new(Expected::default())));
        let mut beside = Beside::start(&checksums, 64).unwrap();
        let _ = beside.take(filled(1), |_| Ok(())).unwrap();
        let slots = beside.slots.clone();
        drop(beside);
        assert!(slots.iter().all(|slot| slot.with(|_| ()).is_none()));
        assert_eq!(Arc::strong_count(&checksums), 1, "the thread has ended");
    }
}
