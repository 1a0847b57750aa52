//! A store whose head is anchored elsewhere: compared when it is opened, moved with every commit.
//!
//! Invariants:
//! * The store's head is in the batch that swaps the heads of trees: it is always that of these trees.
//! * The anchor is written after the sync of that batch and before anybody is told. It is never ahead.
//! * After a failed write of the anchor nothing more is written until the store is opened again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::TreeError;
use super::core::Core;
use crate::anchor::{AcceptedRollback, AnchorError, AnchorMode, AnchoredHead, Anchoring, HeadAnchor, Heads};
use crate::codec::{CodecError, FrameKind, decode, encode, frame, unframe};
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
        let number = self.state.number.checked_add(1).ok_or(AnchorError::Damaged)?;
        let digest = self.heads.digest(&self.anchor.key, number);
        self.head = AnchoredHead::new(&self.anchor.key, number, digest);
        Ok(batch.put(Space::HEADS, STORE_HEAD, framed(&self.head)?))
    }

    /// The anchor has followed.
    fn finish(mut self) {
        self.state.number = self.head.number();
        self.state.head = self.head;
        self.state.heads = self.heads;
    }
}

/// What the store's head adds to the batch that swaps heads: operations and bytes.
pub(super) const STORE_HEAD_ROOM: (usize, usize) = (1, 256);

impl Core {
    /// What moves the store's head, if it is anchored. Until it is dropped nobody else does.
    pub(super) fn moving(&self) -> Result<Option<Moving<'_>>, TreeError> {
        let Some(anchor) = self.anchor.as_ref() else {
            return Ok(None);
        };
        let state = anchor.state.lock();
        // Whoever had it before may have failed: what it says is not what is stored then.
        self.check_writable()?;
        let (heads, head) = (state.heads.clone(), state.head);
        Ok(Some(Moving {
            anchor,
            state,
            heads,
            head,
        }))
    }

    /// Writes the anchor, after the sync of the batch. A failure stops all later writes, before anybody
    /// else can move the head.
    pub(super) fn moved(&self, moving: Option<Moving<'_>>) -> Result<(), TreeError> {
        let Some(moving) = moving else {
            return Ok(());
        };
        let write = || moving.anchor.elsewhere.write(&moving.head);
        let written = catch_unwind(AssertUnwindSafe(write)).unwrap_or_else(|_| {
            Err(AnchorError::Io {
                doing: "written",
                source: std::io::Error::other("it panicked"),
            })
        });
        self.latch(written)?;
        moving.finish();
        Ok(())
    }

    /// What there must be room for in the batch that swaps heads, beside them.
    pub(super) fn store_head_room(&self) -> (usize, usize) {
        self.anchor.as_ref().map_or((0, 0), |_| STORE_HEAD_ROOM)
    }

    /// Puts the store's head into a batch that changes the head of one tree, from one to another.
    pub(super) fn move_one(
        &self,
        batch: Batch,
        tree: ScopeId,
        (old, new): (Option<&[u8]>, Option<&[u8]>),
    ) -> Result<(Batch, Option<Moving<'_>>), TreeError> {
        let Some(mut moving) = self.moving()? else {
            return Ok((batch, None));
        };
        moving.swap(tree, old, new);
        Ok((moving.put(batch)?, Some(moving)))
    }

    /// Commits the store's head alone, one number on.
    pub(super) fn commit_head(&self) -> Result<(), TreeError> {
        let Some(mut moving) = self.moving()? else {
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

    /// Compares the store with its anchor, before anything else is done with it; writes nothing.
    pub(super) fn judge_anchor(&self, anchoring: Anchoring) -> Result<Plan, TreeError> {
        let stored = self.stored_head()?;
        let Some(elsewhere) = anchoring.anchor else {
            return match (stored, anchoring.mode, &anchoring.expected) {
                (Stored::None, _, None) => Ok(Plan::Nothing),
                (Stored::Head(_) | Stored::Damaged, AnchorMode::End, None) => Ok(Plan::End),
                (Stored::None, _, Some(expected)) => Err(behind(expected.number(), None).into()),
                (stored, ..) => Err(AnchorError::NotGiven {
                    number: stored.claimed(),
                }
                .into()),
            };
        };
        let found = Found {
            heads: self.sum_of_heads(&anchoring.key)?,
            stored,
            anchored: elsewhere.read()?,
        };
        let verdict = found.judge(&anchoring.key, anchoring.mode, anchoring.expected.as_ref())?;
        if anchoring.mode == AnchorMode::End {
            return Ok(Plan::End);
        }
        Ok(Plan::Anchor(
            Box::new(found.anchor(anchoring.key, elsewhere, verdict)),
            verdict,
        ))
    }

    /// Does what was judged to be right.
    pub(super) fn settle_anchor(&mut self, plan: Plan) -> Result<(), TreeError> {
        let (anchor, verdict) = match plan {
            Plan::Nothing => return Ok(()),
            Plan::End => return self.end_anchor(),
            Plan::Anchor(anchor, verdict) => (anchor, verdict),
        };
        let elsewhere = anchor.elsewhere.clone();
        self.anchor = Some(*anchor);
        match verdict {
            Verdict::Current | Verdict::Accepted(_) => Ok(()),
            Verdict::Begins => self.commit_head(),
            Verdict::Behind(head) => Ok(elsewhere.write(&head)?),
        }
    }

    fn end_anchor(&self) -> Result<(), TreeError> {
        self.apply(Batch::new().delete(Space::HEADS, STORE_HEAD), Durability::Synced)
    }

    fn stored_head(&self) -> Result<Stored, TreeError> {
        let Some(bytes) = self.engine.get(Space::HEADS, STORE_HEAD)? else {
            return Ok(Stored::None);
        };
        match unframe(FrameKind::StoreHead, &bytes).and_then(decode) {
            Ok(head) => Ok(Stored::Head(head)),
            Err(error @ CodecError::Newer { .. }) => Err(error.into()),
            Err(_) => Ok(Stored::Damaged),
        }
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

/// The record of the store's head, as it lies there.
#[derive(Clone, Copy)]
enum Stored {
    None,
    Head(AnchoredHead),
    Damaged,
}

impl Stored {
    /// The number that it claims to have; nobody has vouched for it.
    fn claimed(self) -> u64 {
        match self {
            Self::Head(head) => head.number(),
            Self::None | Self::Damaged => 0,
        }
    }

    /// The head, if this store wrote it.
    fn genuine(self, key: &PurposeKey) -> Option<AnchoredHead> {
        match self {
            Self::Head(head) => head.check(key).is_ok().then_some(head),
            Self::None | Self::Damaged => None,
        }
    }
}

/// What opening a store has to do about its anchor.
pub(super) enum Plan {
    Nothing,
    End,
    Anchor(Box<Anchor>, Verdict),
}

impl Plan {
    /// True when an older state is taken, which will be on record.
    pub(super) fn accepts_rollback(&self) -> bool {
        matches!(self, Self::Anchor(_, Verdict::Accepted(_)))
    }
}

/// What there is when a store with an anchor is opened.
struct Found {
    heads: Heads,
    stored: Stored,
    anchored: Option<AnchoredHead>,
}

/// What is to be done about it.
#[derive(Clone, Copy)]
pub(super) enum Verdict {
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
            self.against(key, expected)?;
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
                    found: self.number(key),
                }))
            }
            compared => compared,
        }
    }

    /// The trees with the store's head, then that with the anchor.
    fn compare(&self, key: &PurposeKey, mode: AnchorMode) -> Result<Verdict, AnchorError> {
        let anchored = self.anchored.map(|head| head.number());
        let stored = self.stored.genuine(key);
        let agrees = |head: &AnchoredHead| head.agrees_with(&self.heads.digest(key, head.number()));
        if !matches!(self.stored, Stored::None) && !stored.as_ref().is_some_and(agrees) {
            let number = self.stored.claimed();
            return Err(AnchorError::TreesPutBack { number, anchored });
        }
        match (&stored, &self.anchored) {
            (_, None) if mode == AnchorMode::Begin => Ok(Verdict::Begins),
            (_, None) => Err(AnchorError::Missing),
            (stored, Some(anchored)) => match newer(stored.as_ref(), anchored)? {
                Some(stored) => Ok(Verdict::Behind(*stored)),
                None => Ok(Verdict::Current),
            },
        }
    }

    fn against(&self, key: &PurposeKey, expected: Option<&AnchoredHead>) -> Result<(), AnchorError> {
        let stored = self.stored.genuine(key);
        expected.map_or(Ok(()), |expected| newer(stored.as_ref(), expected).map(drop))
    }

    /// The number of the store's head; 0 unless the store wrote it: what somebody else wrote counts for
    /// nothing.
    fn number(&self, key: &PurposeKey) -> u64 {
        self.stored.genuine(key).map_or(0, |head| head.number())
    }

    fn anchor(self, key: PurposeKey, elsewhere: Arc<dyn HeadAnchor>, verdict: Verdict) -> Anchor {
        let accepted = match verdict {
            Verdict::Accepted(accepted) => Some(accepted),
            _ => None,
        };
        let number = self
            .number(&key)
            .max(accepted.map_or(0, |accepted| accepted.anchored));
        let head = self
            .stored
            .genuine(&key)
            .unwrap_or_else(|| AnchoredHead::new(&key, 0, [0; 32]));
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
