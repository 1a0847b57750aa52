//! A store whose head is anchored elsewhere: compared when it is opened, moved with every commit.
//!
//! Invariants:
//! * The store's head is in the batch that swaps the heads of trees: it is always that of these trees.
//! * The anchor is written after the sync of that batch and before anybody is told. It is never ahead.
//! * After a failed write of the anchor nothing more is written until the store is opened again.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::TreeError;
use super::core::Core;
use crate::anchor::{AcceptedRollback, AnchorError, AnchorMode, AnchoredHead, Anchoring, HeadAnchor, Heads};
use crate::codec::{FrameKind, decode, encode, frame, unframe};
use crate::engine::{Batch, Durability, Engine, KeyRange, Order, ScanOptions, Space};
use crate::keys::{PurposeKey, ScopeId};

/// The record of the store's head, among the heads of trees, whose keys have 16 bytes.
const STORE_HEAD: &[u8] = b"store";

/// The anchor of an open store.
pub(super) struct Anchor {
    key: PurposeKey,
    elsewhere: Arc<dyn HeadAnchor>,
    state: Mutex<State>,
    accepted: Option<AcceptedRollback>,
}

struct State {
    number: u64,
    heads: Heads,
    /// As committed; of another number only before an accepted rollback is in force.
    head: AnchoredHead,
}

/// The store's head on its way from one commit to the next; nobody else moves it meanwhile.
pub(super) struct Moving<'a> {
    anchor: &'a Anchor,
    state: MutexGuard<'a, State>,
    heads: Heads,
    head: AnchoredHead,
}

impl Moving<'_> {
    /// A tree's head was `old` and becomes `new`.
    pub(super) fn swap(&mut self, tree: ScopeId, old: Option<&[u8]>, new: Option<&[u8]>) {
        let key = &self.anchor.key;
        old.iter().for_each(|old| self.heads.remove(key, tree, old));
        new.iter().for_each(|new| self.heads.add(key, tree, new));
    }

    /// Puts the store's head into the batch that swaps those of trees.
    pub(super) fn put(&mut self, batch: Batch) -> Result<Batch, TreeError> {
        let number = self.state.number + 1;
        let digest = self.heads.digest(&self.anchor.key, number);
        self.head = AnchoredHead::new(&self.anchor.key, number, digest);
        Ok(batch.put(Space::HEADS, STORE_HEAD, framed(&self.head)?))
    }

    /// The batch is durable: the anchor follows.
    fn finish(mut self) -> Result<(), TreeError> {
        self.anchor.elsewhere.write(&self.head)?;
        self.state.number = self.head.number();
        self.state.head = self.head;
        self.state.heads = self.heads;
        Ok(())
    }
}

impl Core {
    /// What moves the store's head, if it is anchored. Until it is dropped nobody else does.
    pub(super) fn moving(&self) -> Option<Moving<'_>> {
        let anchor = self.anchor.as_ref()?;
        let state = anchor.state.lock();
        let (heads, head) = (state.heads.clone(), state.head);
        Some(Moving {
            anchor,
            state,
            heads,
            head,
        })
    }

    /// Writes the anchor, after the sync of the batch. A failure stops all later writes.
    pub(super) fn moved(&self, moving: Option<Moving<'_>>) -> Result<(), TreeError> {
        moving.map_or(Ok(()), |moving| self.latch(moving.finish()))
    }

    /// Puts the store's head into a batch that changes the head of one tree, from one to another.
    pub(super) fn move_one(
        &self,
        batch: Batch,
        tree: ScopeId,
        (old, new): (Option<&[u8]>, Option<&[u8]>),
    ) -> Result<(Batch, Option<Moving<'_>>), TreeError> {
        let Some(mut moving) = self.moving() else {
            return Ok((batch, None));
        };
        moving.swap(tree, old, new);
        Ok((moving.put(batch)?, Some(moving)))
    }

    /// Commits the store's head alone, one number on.
    pub(super) fn commit_head(&self) -> Result<(), TreeError> {
        let Some(mut moving) = self.moving() else {
            return Ok(());
        };
        let batch = moving.put(Batch::new())?;
        self.apply(batch, Durability::Synced)?;
        self.moved(Some(moving))
    }

    /// The store's head as committed.
    pub(super) fn anchored_head(&self) -> Option<AnchoredHead> {
        Some(self.anchor.as_ref()?.state.lock().head)
    }

    pub(super) fn accepted_rollback(&self) -> Option<AcceptedRollback> {
        self.anchor.as_ref()?.accepted
    }

    /// Compares the store with its anchor, before anything else is done with it.
    pub(super) fn settle_anchor(&mut self, anchoring: Anchoring) -> Result<(), TreeError> {
        let stored = self.stored_head()?;
        let Some(elsewhere) = anchoring.anchor else {
            return match (stored, anchoring.mode, &anchoring.expected) {
                (None, _, None) => Ok(()),
                (Some(_), AnchorMode::End, None) => self.end_anchor(),
                (Some(head), ..) => Err(AnchorError::NotGiven {
                    number: head.number(),
                }
                .into()),
                (None, _, Some(expected)) => Err(behind(expected.number(), None).into()),
            };
        };
        let found = Found {
            heads: self.sum_of_heads(&anchoring.key)?,
            stored,
            anchored: elsewhere.read()?,
        };
        let verdict = found.judge(&anchoring.key, anchoring.mode, anchoring.expected.as_ref())?;
        if anchoring.mode == AnchorMode::End {
            return self.end_anchor();
        }
        self.anchor = Some(found.anchor(anchoring.key, elsewhere.clone(), verdict));
        match verdict {
            Verdict::Current | Verdict::Accepted(_) => Ok(()),
            Verdict::Begins => self.commit_head(),
            Verdict::Behind(head) => Ok(elsewhere.write(&head)?),
        }
    }

    fn end_anchor(&self) -> Result<(), TreeError> {
        self.apply(Batch::new().delete(Space::HEADS, STORE_HEAD), Durability::Synced)
    }

    fn stored_head(&self) -> Result<Option<AnchoredHead>, TreeError> {
        let bytes = self.engine.get(Space::HEADS, STORE_HEAD)?;
        let head = bytes.map(|bytes| Ok::<_, TreeError>(decode(unframe(FrameKind::StoreHead, &bytes)?)?));
        head.transpose()
    }

    fn sum_of_heads(&self, key: &PurposeKey) -> Result<Heads, TreeError> {
        let options = ScanOptions {
            order: Order::Ascending,
            limit: 256,
            max_bytes: usize::MAX,
            keys_only: false,
        };
        let (mut sum, mut range) = (Heads::new(), KeyRange::all());
        loop {
            let page = self.engine.scan(Space::HEADS, &range, options)?;
            for (tree, head) in page.entries {
                if let Ok(tree) = tree.try_into() {
                    sum.add(key, ScopeId(tree), &head);
                }
            }
            match page.resume_after {
                Some(after) => range = range.after(&after),
                None => return Ok(sum),
            }
        }
    }
}

/// What there is when a store with an anchor is opened.
struct Found {
    heads: Heads,
    stored: Option<AnchoredHead>,
    anchored: Option<AnchoredHead>,
}

/// What is to be done about it.
#[derive(Clone, Copy)]
enum Verdict {
    Current,
    Begins,
    /// The anchor is behind by what a crash kept from it.
    Behind(AnchoredHead),
    Accepted(AcceptedRollback),
}

impl Found {
    fn judge(
        &self,
        key: &PurposeKey,
        mode: AnchorMode,
        expected: Option<&AnchoredHead>,
    ) -> Result<Verdict, AnchorError> {
        for head in [self.anchored.as_ref(), expected].into_iter().flatten() {
            head.check(key)?;
        }
        let compared = self.compare(key, mode).and_then(|verdict| {
            self.against(expected)?;
            Ok(verdict)
        });
        let anchored = self
            .anchored
            .iter()
            .chain(expected)
            .map(AnchoredHead::number)
            .max();
        match compared {
            Err(error) if mode == AnchorMode::AcceptRollback && error.is_rollback() => {
                Ok(Verdict::Accepted(AcceptedRollback {
                    anchored: anchored.unwrap_or_default(),
                    found: self.number(),
                }))
            }
            compared => compared,
        }
    }

    /// The trees with the store's head, then that with the anchor.
    fn compare(&self, key: &PurposeKey, mode: AnchorMode) -> Result<Verdict, AnchorError> {
        let anchored = self.anchored.map(|head| head.number());
        if let Some(stored) = &self.stored {
            let number = stored.number();
            let agrees = stored.agrees_with(&self.heads.digest(key, number));
            if stored.check(key).is_err() || !agrees {
                return Err(AnchorError::TreesPutBack { number, anchored });
            }
        }
        match (&self.stored, &self.anchored) {
            (_, None) if mode == AnchorMode::Begin => Ok(Verdict::Begins),
            (_, None) => Err(AnchorError::Missing),
            (stored, Some(anchored)) => match newer(stored.as_ref(), anchored)? {
                Some(stored) => Ok(Verdict::Behind(*stored)),
                None => Ok(Verdict::Current),
            },
        }
    }

    fn against(&self, expected: Option<&AnchoredHead>) -> Result<(), AnchorError> {
        expected.map_or(Ok(()), |expected| newer(self.stored.as_ref(), expected).map(drop))
    }

    fn number(&self) -> u64 {
        self.stored.map_or(0, |head| head.number())
    }

    fn anchor(self, key: PurposeKey, elsewhere: Arc<dyn HeadAnchor>, verdict: Verdict) -> Anchor {
        let accepted = match verdict {
            Verdict::Accepted(accepted) => Some(accepted),
            _ => None,
        };
        let number = self
            .number()
            .max(accepted.map_or(0, |accepted| accepted.anchored));
        let head = self.stored.unwrap_or_else(|| AnchoredHead::new(&key, 0, [0; 32]));
        Anchor {
            key,
            elsewhere,
            state: Mutex::new(State {
                number,
                heads: self.heads,
                head,
            }),
            accepted,
        }
    }
}

/// The store's head if it is newer than another one, `None` if it is the same.
fn newer<'a>(
    stored: Option<&'a AnchoredHead>,
    other: &AnchoredHead,
) -> Result<Option<&'a AnchoredHead>, AnchorError> {
    match stored {
        Some(stored) if stored.number() > other.number() => Ok(Some(stored)),
        Some(stored) if stored == other => Ok(None),
        Some(stored) if stored.number() == other.number() => Err(AnchorError::Diverged {
            number: stored.number(),
        }),
        stored => Err(behind(other.number(), stored)),
    }
}

fn behind(anchored: u64, stored: Option<&AnchoredHead>) -> AnchorError {
    AnchorError::RolledBack {
        anchored,
        found: stored.map_or(0, AnchoredHead::number),
    }
}

fn framed(head: &AnchoredHead) -> Result<Vec<u8>, TreeError> {
    Ok(frame(FrameKind::StoreHead, &encode(head)?)?)
}
