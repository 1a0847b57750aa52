//! What may happen to append blobs, and what a plain model in memory makes of it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

use proptest::prelude::*;

/// Whether a writer names the lease of the blob, if there is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Lease {
    Named,
    Forgotten,
}

/// What an append asks of the length of the blob.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ask {
    Nothing,
    /// The position where the blob ends, or the byte behind it.
    Position(u64),
    /// So many bytes less than there will be at most; none less is enough.
    Most(u64),
}

/// One of the states of a numbered blob: the base, or a numbered snapshot.
pub(crate) type Which = Option<usize>;

/// One thing that happens. Blobs are numbered.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Create(usize, Lease),
    Append(usize, usize, Ask, Lease),
    /// So many blocks of one byte, to fill the parts of a manifest.
    AppendMany(usize, usize),
    /// To a blob, from a state of one, from a position on.
    AppendFrom(usize, (usize, Which), u64),
    /// To a blob, from a state of one.
    Copy(usize, (usize, Which), Lease),
    Seal(usize, Ask, Lease),
    Show(usize),
    Get(usize, Which, u64),
    Snapshot(usize),
    Delete(usize, Lease),
    Acquire(usize),
    Release(usize),
    Revoke,
    Restore,
    Maintain,
    Reopen,
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    let blob = || 0usize..2;
    let which = || prop::option::of(0usize..3);
    let length = prop_oneof![1 => Just(0usize), 8 => 1usize..500, 2 => 60_000usize..70_000];
    let lease = || prop_oneof![6 => Just(Lease::Named), 1 => Just(Lease::Forgotten)];
    let ask = || {
        let position = (0u64..2).prop_map(Ask::Position);
        prop_oneof![4 => Just(Ask::Nothing), 1 => position, 1 => (0u64..2).prop_map(Ask::Most)]
    };
    let start = || prop_oneof![Just(0u64), 1u64..600];
    prop_oneof![
        3 => (blob(), lease()).prop_map(|(b, l)| Op::Create(b, l)),
        8 => (blob(), length, ask(), lease()).prop_map(|(b, n, a, l)| Op::Append(b, n, a, l)),
        1 => (blob(), 1usize..50).prop_map(|(b, blocks)| Op::AppendMany(b, blocks)),
        2 => (blob(), (blob(), which()), start()).prop_map(|(b, s, at)| Op::AppendFrom(b, s, at)),
        3 => (blob(), (blob(), which()), lease()).prop_map(|(b, s, l)| Op::Copy(b, s, l)),
        1 => (blob(), ask(), lease()).prop_map(|(b, a, l)| Op::Seal(b, a, l)),
        2 => blob().prop_map(Op::Show),
        4 => (blob(), which(), start()).prop_map(|(b, w, at)| Op::Get(b, w, at)),
        3 => blob().prop_map(Op::Snapshot),
        1 => (blob(), lease()).prop_map(|(b, l)| Op::Delete(b, l)),
        1 => blob().prop_map(Op::Acquire),
        1 => blob().prop_map(Op::Release),
        1 => Just(Op::Revoke),
        3 => Just(Op::Restore),
        1 => Just(Op::Maintain),
        1 => Just(Op::Reopen),
    ]
}

/// Content that a reader got, numbers that a caller was told, or the code of a refusal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    Nothing,
    Bytes(Vec<u8>),
    /// Offset and number of blocks, or length, number of blocks and 1 if it is sealed.
    Numbers(Vec<u64>),
}

#[derive(Clone, Default)]
pub(crate) struct Blob {
    pub(crate) content: Vec<u8>,
    blocks: u64,
    sealed: bool,
}

#[derive(Default)]
pub(crate) struct Named {
    pub(crate) base: Option<Blob>,
    snapshots: Vec<Blob>,
    leased: bool,
}

#[derive(Default)]
pub(crate) struct Model {
    pub(crate) blobs: [Named; 2],
    revoked: bool,
    /// Counts what has happened, so that every content is another one.
    ops: u8,
}

impl Model {
    pub(crate) fn apply(&mut self, op: &Op) -> Result<Told, &'static str> {
        self.ops = self.ops.wrapping_add(1);
        let needs_key = matches!(
            op,
            Op::Create(..)
                | Op::Append(..)
                | Op::AppendMany(..)
                | Op::AppendFrom(..)
                | Op::Copy(..)
                | Op::Show(_)
                | Op::Get(..)
        );
        if self.revoked && needs_key {
            return Err("KeyVaultEncryptionKeyNotFound");
        }
        match op {
            Op::Append(to, length, ask, lease) => {
                let content = content(self.ops, *length);
                return self.blobs[*to].append(&content, *ask, *lease);
            }
            Op::AppendMany(to, blocks) => {
                let blob = &mut self.blobs[*to];
                for _ in 1..*blocks {
                    blob.append(b"x", Ask::Nothing, Lease::Named)?;
                }
                return blob.append(b"x", Ask::Nothing, Lease::Named);
            }
            Op::AppendFrom(to, (from, which), start) => {
                self.blobs[*to].appendable(Lease::Named)?;
                let content = self.blobs[*from].read(*which, *start)?;
                return self.blobs[*to].append(&content, Ask::Nothing, Lease::Named);
            }
            Op::Copy(to, (from, which), lease) => {
                self.blobs[*to].check(*lease)?;
                let source = self.blobs[*from].state(*which)?.clone();
                self.blobs[*to].base = Some(Blob {
                    sealed: false,
                    ..source
                });
            }
            Op::Create(to, ..)
            | Op::Seal(to, ..)
            | Op::Show(to)
            | Op::Get(to, ..)
            | Op::Snapshot(to)
            | Op::Delete(to, _)
            | Op::Acquire(to)
            | Op::Release(to) => return self.blobs[*to].apply(op),
            Op::Revoke => self.revoked = true,
            Op::Restore => self.revoked = false,
            Op::Maintain | Op::Reopen => {}
        }
        Ok(Told::Nothing)
    }
}

impl Named {
    fn apply(&mut self, op: &Op) -> Result<Told, &'static str> {
        match op {
            Op::Create(_, lease) => {
                self.check(*lease)?;
                self.base = Some(Blob::default());
            }
            Op::Seal(_, ask, lease) => {
                self.state(None)?;
                self.check(*lease)?;
                if matches!(ask, Ask::Position(off) if *off > 0) {
                    return Err("AppendPositionConditionNotMet");
                }
                self.base.iter_mut().for_each(|base| base.sealed = true);
            }
            Op::Show(_) => {
                let base = self.state(None)?;
                let numbers = [base.content.len() as u64, base.blocks, u64::from(base.sealed)];
                return Ok(Told::Numbers(numbers.to_vec()));
            }
            Op::Get(_, which, start) => return self.read(*which, *start).map(Told::Bytes),
            Op::Snapshot(_) => self.snapshots.push(self.state(None)?.clone()),
            Op::Delete(_, lease) => {
                self.state(None)?;
                self.check(*lease)?;
                *self = Self::default();
            }
            Op::Acquire(_) => {
                self.state(None)?;
                self.leased = true;
            }
            Op::Release(_) => {
                self.state(None)?;
                if !self.leased {
                    return Err("LeaseIdMismatchWithLeaseOperation");
                }
                self.leased = false;
            }
            _ => {}
        }
        Ok(Told::Nothing)
    }

    fn state(&self, which: Which) -> Result<&Blob, &'static str> {
        let found = match which {
            None => self.base.as_ref(),
            Some(number) => self.snapshots.get(number),
        };
        found.ok_or("BlobNotFound")
    }

    fn read(&self, which: Which, start: u64) -> Result<Vec<u8>, &'static str> {
        let content = &self.state(which)?.content;
        match content.get(usize::try_from(start).unwrap()..) {
            Some([]) | None if start > 0 => Err("InvalidRange"),
            rest => Ok(rest.unwrap_or_default().to_vec()),
        }
    }

    fn check(&self, lease: Lease) -> Result<(), &'static str> {
        if self.leased && lease == Lease::Forgotten {
            return Err("LeaseIdMissing");
        }
        Ok(())
    }

    fn appendable(&self, lease: Lease) -> Result<(), &'static str> {
        let base = self.state(None)?;
        self.check(lease)?;
        if base.sealed {
            return Err("BlobIsSealed");
        }
        Ok(())
    }

    fn append(&mut self, content: &[u8], ask: Ask, lease: Lease) -> Result<Told, &'static str> {
        self.appendable(lease)?;
        let base = self.base.as_mut().ok_or("BlobNotFound")?;
        let most = most(base.content.len(), content.len(), ask);
        match ask {
            Ask::Position(off) if off > 0 => return Err("AppendPositionConditionNotMet"),
            Ask::Most(_) if base.content.len() as u64 > most => return Err("MaxBlobSizeConditionNotMet"),
            _ if content.is_empty() => return Err("InvalidHeaderValue"),
            Ask::Most(off) if off > 0 => return Err("MaxBlobSizeConditionNotMet"),
            _ => {}
        }
        let offset = base.content.len() as u64;
        base.content.extend(content);
        base.blocks += 1;
        Ok(Told::Numbers(vec![offset, base.blocks]))
    }
}

/// Bytes that the blob may have afterwards.
pub(crate) fn most(before: usize, more: usize, ask: Ask) -> u64 {
    match ask {
        Ask::Most(off) => ((before + more) as u64).saturating_sub(off),
        Ask::Nothing | Ask::Position(_) => u64::MAX,
    }
}

pub(crate) fn content(seed: u8, length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| (index * 7 + index / 4096) as u8 ^ seed)
        .collect()
}
