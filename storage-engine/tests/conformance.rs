//! Every engine and every wrapper passes the same suite.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;

use strongroom_engine::chunks::EngineChunks;
use strongroom_engine::chunks::conformance::chunk_conformance;
use strongroom_engine::engine::conformance::{conformance, reopen};
use strongroom_engine::engine::counting::Counting;
#[cfg(feature = "fjall")]
use strongroom_engine::engine::fjall::{FjallEngine, FjallOptions};
use strongroom_engine::engine::memory::MemoryEngine;
use strongroom_engine::engine::sled::{SledEngine, SledOptions};

/// Gives fresh directories below one that lives as long as the test.
struct Fresh {
    root: tempfile::TempDir,
    next: Cell<u32>,
}

impl Fresh {
    fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
            next: Cell::new(0),
        }
    }

    fn dir(&self) -> PathBuf {
        self.next.set(self.next.get() + 1);
        self.root.path().join(self.next.get().to_string())
    }

    fn sled(&self) -> SledEngine {
        SledEngine::open(self.dir(), &SledOptions::default()).unwrap()
    }

    #[cfg(feature = "fjall")]
    fn fjall(&self, options: &FjallOptions) -> FjallEngine {
        FjallEngine::open(self.dir(), options).unwrap()
    }
}

#[test]
fn memory() {
    conformance(MemoryEngine::new);
}

#[test]
fn sled() {
    let fresh = Fresh::new();
    conformance(|| fresh.sled());
}

#[test]
fn counting() {
    let fresh = Fresh::new();
    conformance(|| Counting::new(Box::new(MemoryEngine::new())));
    conformance(|| Counting::new(Box::new(fresh.sled())));
}

#[test]
fn sled_with_the_smallest_cache_and_small_segments() {
    let fresh = Fresh::new();
    conformance(|| {
        let options = SledOptions {
            cache_bytes: 1 << 20,
            segment_bytes: 2 << 20,
        };
        SledEngine::open(fresh.dir(), &options).unwrap()
    });
}

#[test]
fn sled_opened_again() {
    let root = tempfile::tempdir().unwrap();
    reopen(|| SledEngine::open(root.path().join("engine"), &SledOptions::default()).unwrap());
}

#[cfg(feature = "fjall")]
#[test]
fn fjall() {
    let fresh = Fresh::new();
    conformance(|| fresh.fjall(&FjallOptions::default()));
    chunk_conformance(|| EngineChunks::new(Arc::new(fresh.fjall(&FjallOptions::default()))));
}

#[cfg(feature = "fjall")]
#[test]
fn fjall_with_the_smallest_cache_and_small_memtables() {
    let fresh = Fresh::new();
    let options = FjallOptions {
        cache_bytes: 1 << 20,
        memtable_bytes: 1 << 18,
    };
    conformance(|| fresh.fjall(&options));
}

#[cfg(feature = "fjall")]
#[test]
fn fjall_opened_again() {
    let root = tempfile::tempdir().unwrap();
    reopen(|| FjallEngine::open(root.path().join("engine"), &FjallOptions::default()).unwrap());
}

#[test]
fn chunks_in_the_engine() {
    let fresh = Fresh::new();
    chunk_conformance(|| EngineChunks::new(Arc::new(MemoryEngine::new())));
    chunk_conformance(|| EngineChunks::new(Arc::new(fresh.sled())));
}
