//! The limit `aead`: AES-256-GCM in memory, 64 KiB at a time, with no disk at all. What encryption alone
//! costs.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, MAX_TAG_LEN, Nonce, UnboundKey};

use strongroom_bench_store::{Result, Store, random};

const CHUNK_BYTES: usize = 64 * 1024;

/// Sealed chunks in memory. Every body uses the same nonces, which is fit for
/// measuring and for nothing else.
pub(crate) struct Aead {
    key: LessSafeKey,
    bodies: Mutex<HashMap<String, Vec<Vec<u8>>>>,
}

impl Aead {
    /// A store under a random key.
    pub(crate) fn create() -> Result<Self> {
        let key = random(32)?;
        let key = UnboundKey::new(&AES_256_GCM, &key).map_err(|_| "AES-256 refused its key")?;
        Ok(Self {
            key: LessSafeKey::new(key),
            bodies: Mutex::default(),
        })
    }

    fn open(&self, number: usize, sealed: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        out.extend_from_slice(sealed);
        let opened = self
            .key
            .open_within(nonce(number), Aad::empty(), &mut out[start..], 0..);
        opened.map_err(|_| "a chunk did not open")?;
        out.truncate(start + sealed.len() - MAX_TAG_LEN);
        Ok(())
    }
}

fn nonce(number: usize) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&(number as u64).to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

impl Store for Aead {
    fn name(&self) -> &'static str {
        "aead"
    }

    fn put(&self, name: &str, body: &[u8]) -> Result<()> {
        let mut chunks = Vec::new();
        for (number, chunk) in body.chunks(CHUNK_BYTES).enumerate() {
            let mut sealed = Vec::with_capacity(chunk.len() + MAX_TAG_LEN);
            sealed.extend_from_slice(chunk);
            let done = self
                .key
                .seal_in_place_append_tag(nonce(number), Aad::empty(), &mut sealed);
            done.map_err(|_| "a chunk did not seal")?;
            chunks.push(sealed);
        }
        self.bodies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), chunks);
        Ok(())
    }

    fn get(&self, name: &str, out: &mut Vec<u8>) -> Result<()> {
        out.clear();
        let bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        let chunks = bodies.get(name).ok_or("no such body")?;
        chunks
            .iter()
            .enumerate()
            .try_for_each(|(number, sealed)| self.open(number, sealed, out))
    }

    fn read(&self, name: &str, offsets: &[u64], out: &mut [u8]) -> Result<()> {
        let bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        let chunks = bodies.get(name).ok_or("no such body")?;
        let mut plain = Vec::new();
        for &offset in offsets {
            let offset = usize::try_from(offset)?;
            let (first, end) = (offset / CHUNK_BYTES, (offset + out.len()).div_ceil(CHUNK_BYTES));
            plain.clear();
            for (number, sealed) in chunks.iter().enumerate().take(end).skip(first) {
                self.open(number, sealed, &mut plain)?;
            }
            let start = offset - first * CHUNK_BYTES;
            out.copy_from_slice(plain.get(start..start + out.len()).ok_or("beyond the end")?);
        }
        Ok(())
    }
}
