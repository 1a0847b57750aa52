//! A chunk of a sealed body is replaced by the input: reading returns the very content, or an error.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use strongroom_engine::body::{BodyReader, BodyRef, BodyWriter};
use strongroom_engine::chunks::{BodyKey, ChunkId, ChunkStore};
use strongroom_engine::engine::EngineError;
use strongroom_engine::engine::memory::MemoryEngine;
use strongroom_engine::entropy::SeededEntropy;
use strongroom_engine::keys::{Purpose, PurposeKey, RootKey, ScopeId};
use strongroom_engine::tree::{Tree, TreeError, TreeSettings, TreeStore, TreeStoreParts};
use strongroom_engine::{ManualClock, Timestamp};

const CHUNK_BYTES: usize = 1024;
const CHUNKS: usize = 3;
const CONTENT_BYTES: usize = CHUNK_BYTES * (CHUNKS - 1) + 100;

/// The first byte of the input says which chunk the rest replaces.
pub fn run(data: &[u8]) {
    let Some((&which, bytes)) = data.split_first() else {
        return;
    };
    let index = usize::from(which) % CHUNKS;
    let body = &*BODY;
    let original = body.chunks.replace(index, bytes.to_vec());
    let (start, mut read) = (index * CHUNK_BYTES, vec![0; CHUNK_BYTES]);
    let snapshot = body.tree.snapshot().expect("a snapshot of a tree in memory");
    let reader =
        BodyReader::open(&body.tree, &snapshot, &body.reference, &body.key).expect("the body's own key");
    let outcome = reader.read_at(start as u64, &mut read);
    assert_eq!(
        outcome.is_ok(),
        bytes == original,
        "a chunk reads exactly if it is the one that was written"
    );
    if let Ok(count) = outcome {
        assert_eq!(
            read[..count],
            content()[start..][..count],
            "wrong bytes were returned as right ones"
        );
    }
    body.chunks.replace(index, original);
}

/// Each chunk in its own place, in the place of its neighbour, and cut short.
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    let chunks: Vec<Vec<u8>> = (0..CHUNKS).map(|index| BODY.chunks.sealed(index)).collect();
    let at = |place: u8, bytes: &[u8]| [&[place], bytes].concat();
    vec![
        ("first".to_owned(), at(0, &chunks[0])),
        ("last".to_owned(), at(2, &chunks[2])),
        ("moved".to_owned(), at(0, &chunks[1])),
        ("cut".to_owned(), at(2, &chunks[2][..chunks[2].len() - 1])),
        ("no-payload".to_owned(), at(1, &chunks[1][..10])),
    ]
}

struct Body {
    tree: Tree,
    chunks: Chunks,
    reference: BodyRef,
    key: PurposeKey,
}

static BODY: LazyLock<Body> = LazyLock::new(|| {
    let (chunks, entropy) = (Chunks::default(), Arc::new(SeededEntropy::new(1)));
    let parts = TreeStoreParts {
        last_commit: None,
        engine: Box::new(MemoryEngine::new()),
        chunks: Some(Box::new(chunks.clone())),
        entropy: entropy.clone(),
        clock: Arc::new(ManualClock::new(Timestamp::default())),
    };
    let scope = ScopeId([1; 16]);
    let root = RootKey::from_bytes(vec![7; RootKey::BYTES].into()).expect("32 bytes");
    let store = TreeStore::open(parts, TreeSettings::default()).expect("an empty engine");
    let tree = store
        .create_tree(scope, root.purpose(Purpose::Tree, scope))
        .expect("the first tree");
    let key = root.purpose(Purpose::Content, scope);
    let mut writer = BodyWriter::new(&tree, &key, CHUNK_BYTES as u32, entropy.as_ref()).expect("a writer");
    writer.write(&content()).expect("chunks in memory");
    let finished = writer.finish().expect("chunks in memory");
    let adopted = tree.transact::<_, TreeError, _>(move |txn| {
        let reference = txn.adopt_body(&finished)?;
        txn.put(&[1], b"names the body")?;
        Ok(reference)
    });
    let reference = adopted.expect("a commit in memory");
    Body {
        tree,
        chunks,
        reference,
        key,
    }
});

fn content() -> Vec<u8> {
    (0..CONTENT_BYTES).map(|at| at as u8).collect()
}

/// Chunks in memory, of which one can be replaced, as somebody with the disk in hand would.
#[derive(Clone, Default)]
struct Chunks(Arc<Mutex<BTreeMap<ChunkId, Vec<u8>>>>);

impl Chunks {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ChunkId, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts `bytes` in the place of a chunk and returns what was there.
    fn replace(&self, index: usize, bytes: Vec<u8>) -> Vec<u8> {
        let mut chunks = self.lock();
        let chunk = chunks
            .values_mut()
            .nth(index)
            .expect("a body of that many chunks");
        std::mem::replace(chunk, bytes)
    }

    fn sealed(&self, index: usize) -> Vec<u8> {
        self.lock()
            .values()
            .nth(index)
            .expect("a body of that many chunks")
            .clone()
    }
}

impl ChunkStore for Chunks {
    fn put(&self, chunks: Vec<(ChunkId, Vec<u8>)>) -> Result<(), EngineError> {
        self.lock().extend(chunks);
        Ok(())
    }

    fn get(&self, id: ChunkId) -> Result<Option<Vec<u8>>, EngineError> {
        Ok(self.lock().get(&id).cloned())
    }

    fn delete(&self, bodies: &[BodyKey]) -> Result<(), EngineError> {
        self.lock().retain(|id, _| !bodies.contains(&id.body));
        Ok(())
    }

    fn list(&self, prefix: &[u8], after: Option<BodyKey>, limit: usize) -> Result<Vec<BodyKey>, EngineError> {
        let chunks = self.lock();
        let mut bodies: Vec<BodyKey> = chunks.keys().map(|id| id.body).collect();
        bodies.dedup();
        bodies.retain(|body| body.0.starts_with(prefix) && after.is_none_or(|after| *body > after));
        bodies.truncate(limit);
        Ok(bodies)
    }

    fn sync(&self) -> Result<(), EngineError> {
        Ok(())
    }
}
