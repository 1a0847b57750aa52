//! Whatever happens to append blobs, in whatever order, they hold what a plain model in memory holds: blocks are
//! appended under conditions, blobs sealed, leased, copied, kept as snapshots, deleted and begun again, while the
//! key is revoked and restored and the store is opened again. What nothing refers to any more is gone in the end.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod common;

use common::{NEEDED, VAULT, World};
use proptest::prelude::*;
use strongroom::{
    AppendBlockOptions, AppendReceipt, BlobName, BlobSource, BlobType, BlobVersionRef, ByteRange, Conditions,
    Container, CopyOptions, CreateBlobOptions, DeleteBlobOptions, DeleteSnapshots, DownloadOptions, Error,
    LeaseDuration, LeaseId, LeaseRequest, Metadata, SnapshotOptions, Timestamp,
};

/// Whether a writer names the lease of the blob, if there is one.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lease {
    Named,
    Forgotten,
}

/// What an append asks of the length of the blob.
#[derive(Clone, Copy, Debug)]
enum Ask {
    Nothing,
    /// The position where the blob ends, or the byte behind it.
    Position(u64),
    /// So many bytes less than there will be at most; none less is enough.
    Most(u64),
}

/// One of the states of a numbered blob: the base, or a numbered snapshot.
type Which = Option<usize>;

/// One thing that happens. Blobs are numbered.
#[derive(Clone, Debug)]
enum Op {
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

fn op() -> impl Strategy<Value = Op> {
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
enum Told {
    Nothing,
    Bytes(Vec<u8>),
    /// Offset and number of blocks, or length, number of blocks and 1 if it is sealed.
    Numbers(Vec<u64>),
}

#[derive(Clone, Default)]
struct Blob {
    content: Vec<u8>,
    blocks: u64,
    sealed: bool,
}

#[derive(Default)]
struct Named {
    base: Option<Blob>,
    snapshots: Vec<Blob>,
    leased: bool,
}

#[derive(Default)]
struct Model {
    blobs: [Named; 2],
    revoked: bool,
    /// Counts what has happened, so that every content is another one.
    ops: u8,
}

impl Model {
    fn apply(&mut self, op: &Op) -> Result<Told, &'static str> {
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
fn most(before: usize, more: usize, ask: Ask) -> u64 {
    match ask {
        Ask::Most(off) => ((before + more) as u64).saturating_sub(off),
        Ask::Nothing | Ask::Position(_) => u64::MAX,
    }
}

fn content(seed: u8, length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| (index * 7 + index / 4096) as u8 ^ seed)
        .collect()
}

struct Real {
    world: World,
    ops: u8,
    snapshots: [Vec<Timestamp>; 2],
    leased: [bool; 2],
    /// Records of an account whose blobs are gone.
    records: u64,
}

impl Real {
    fn new() -> Self {
        let mut real = Self {
            world: World::customer(),
            ops: 0,
            snapshots: [Vec::new(), Vec::new()],
            leased: [false; 2],
            records: 0,
        };
        real.container().create(&Metadata::new()).unwrap();
        real.records = real.records();
        real
    }

    fn records(&self) -> u64 {
        self.world.store.stats().unwrap().accounts[0].records
    }

    fn container(&self) -> Container {
        self.world.account().container(&"model".parse().unwrap())
    }

    fn conditions(&self, blob: usize, lease: Lease) -> Conditions {
        Conditions {
            lease: (lease == Lease::Named && self.leased[blob]).then(lease_id),
            ..Conditions::default()
        }
    }

    /// The snapshot of that number, or one that is not there.
    fn which(&self, blob: usize, which: Which) -> BlobVersionRef {
        let missing = Timestamp::from_unix_seconds(1);
        which.map_or(BlobVersionRef::Base, |number| {
            let taken = self.snapshots[blob].get(number).copied();
            BlobVersionRef::Snapshot(taken.unwrap_or(missing))
        })
    }

    fn source(&self, (blob, which): (usize, Which), start: u64) -> BlobSource {
        BlobSource {
            which: self.which(blob, which),
            range: from(start),
            ..BlobSource::new(&self.container(), named(blob))
        }
    }

    /// The blob has `before` bytes, as the model knows it.
    fn append(&self, op: &Op, before: usize) -> Result<Told, Error> {
        let container = self.container();
        let receipt = match op {
            Op::Append(to, length, ask, lease) => {
                let content = content(self.ops, *length);
                let options = AppendBlockOptions {
                    conditions: self.conditions(*to, *lease),
                    position: position(before, *ask),
                    length_max: matches!(ask, Ask::Most(_)).then(|| most(before, *length, *ask)),
                    ..AppendBlockOptions::default()
                };
                container.append_block(&named(*to), content.as_slice(), &options)?
            }
            Op::AppendMany(to, blocks) => {
                let options = self.named(*to);
                for _ in 1..*blocks {
                    container.append_block(&named(*to), &b"x"[..], &options)?;
                }
                container.append_block(&named(*to), &b"x"[..], &options)?
            }
            Op::AppendFrom(to, source, start) => {
                let source = self.source(*source, *start);
                container.append_block_from(&named(*to), &source, &self.named(*to))?
            }
            _ => return Ok(Told::Nothing),
        };
        let AppendReceipt {
            offset,
            committed_block_count,
            ..
        } = receipt;
        Ok(Told::Numbers(vec![offset, committed_block_count.into()]))
    }

    fn named(&self, blob: usize) -> AppendBlockOptions {
        AppendBlockOptions {
            conditions: self.conditions(blob, Lease::Named),
            ..AppendBlockOptions::default()
        }
    }

    fn run(&mut self, op: &Op, before: usize) -> Result<Told, Error> {
        self.ops = self.ops.wrapping_add(1);
        let container = self.container();
        match op {
            Op::Append(..) | Op::AppendMany(..) | Op::AppendFrom(..) => return self.append(op, before),
            Op::Create(to, lease) => {
                let options = CreateBlobOptions {
                    conditions: self.conditions(*to, *lease),
                    ..CreateBlobOptions::default()
                };
                container.create_append_blob(&named(*to), &options)?;
            }
            Op::Copy(to, source, lease) => {
                let options = CopyOptions {
                    conditions: self.conditions(*to, *lease),
                    ..CopyOptions::default()
                };
                container.start_copy(&named(*to), &self.source(*source, 0), &options)?;
            }
            Op::Seal(to, ask, lease) => {
                let conditions = self.conditions(*to, *lease);
                container.seal_append_blob(&named(*to), position(before, *ask), &conditions)?;
            }
            Op::Show(blob) => return self.show(*blob),
            Op::Get(blob, which, start) => {
                let options = DownloadOptions {
                    range: from(*start),
                    which: self.which(*blob, *which),
                    ..DownloadOptions::default()
                };
                let mut out = Vec::new();
                container.download(&named(*blob), &options, &mut out)?;
                return Ok(Told::Bytes(out));
            }
            Op::Snapshot(blob) => {
                let receipt = container.snapshot_blob(&named(*blob), &SnapshotOptions::default())?;
                self.snapshots[*blob].push(receipt.snapshot);
            }
            Op::Delete(blob, lease) => self.delete(*blob, *lease)?,
            Op::Acquire(blob) => {
                let request = LeaseRequest::Acquire {
                    duration: LeaseDuration::INFINITE,
                    proposed: Some(lease_id()),
                };
                container.lease_blob(&named(*blob), request, &Conditions::default())?;
                self.leased[*blob] = true;
            }
            Op::Release(blob) => {
                let request = LeaseRequest::Release(lease_id());
                container.lease_blob(&named(*blob), request, &Conditions::default())?;
                self.leased[*blob] = false;
            }
            Op::Revoke => self.world.revoke(VAULT, self.world.principal()),
            Op::Restore => self.world.grant(VAULT, self.world.principal(), &NEEDED),
            Op::Maintain => while !self.world.store.maintain()?.done {},
            Op::Reopen => self.world.reopen(),
        }
        Ok(Told::Nothing)
    }

    fn show(&self, blob: usize) -> Result<Told, Error> {
        let found = self
            .container()
            .blob_properties(&named(blob), &Conditions::default())?;
        assert_eq!(found.blob_type, BlobType::AppendBlob);
        let blocks = found.committed_block_count.unwrap();
        let numbers = [found.length, blocks.into(), found.is_sealed.into()];
        Ok(Told::Numbers(numbers.to_vec()))
    }

    fn delete(&mut self, blob: usize, lease: Lease) -> Result<(), Error> {
        let options = DeleteBlobOptions {
            snapshots: DeleteSnapshots::Include,
            conditions: self.conditions(blob, lease),
            ..DeleteBlobOptions::default()
        };
        self.container().delete_blob(&named(blob), options)?;
        self.snapshots[blob].clear();
        self.leased[blob] = false;
        Ok(())
    }
}

fn position(before: usize, ask: Ask) -> Option<u64> {
    match ask {
        Ask::Position(off) => Some(before as u64 + off),
        Ask::Nothing | Ask::Most(_) => None,
    }
}

fn from(start: u64) -> ByteRange {
    match start {
        0 => ByteRange::all(),
        start => ByteRange::from(start),
    }
}

fn named(blob: usize) -> BlobName {
    format!("log/{blob}").parse().unwrap()
}

fn lease_id() -> LeaseId {
    "00000000-0000-0000-0000-000000000001".parse().unwrap()
}

fn compare(real: &mut Real, model: &mut Model, op: &Op) -> Result<(), TestCaseError> {
    let before = match op {
        Op::Append(to, ..) | Op::Seal(to, ..) => model.blobs[*to].base.as_ref(),
        _ => None,
    };
    let before = before.map_or(0, |blob| blob.content.len());
    let told = real.run(op, before).map_err(|error| error.code().to_owned());
    let wanted = model.apply(op).map_err(str::to_owned);
    prop_assert!(told == wanted, "{op:?}: {:.200?} and not {:.200?}", told, wanted);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 256, ..ProptestConfig::default() })]

    #[test]
    fn append_blobs_hold_what_a_model_holds(ops in prop::collection::vec(op(), 1..50)) {
        let (mut real, mut model) = (Real::new(), Model::default());
        let begun = [Op::Create(0, Lease::Named), Op::Create(1, Lease::Named)];
        for op in begun.iter().chain(&ops).chain(&[Op::Restore, Op::Reopen]) {
            compare(&mut real, &mut model, op)?;
        }
        for blob in 0..2 {
            for which in std::iter::once(None).chain((0..3).map(Some)) {
                compare(&mut real, &mut model, &Op::Get(blob, which, 0))?;
            }
        }
        prop_assert!(real.world.store.scrub(None, |_| ()).unwrap().damage.is_empty());
        for blob in 0..2 {
            compare(&mut real, &mut model, &Op::Delete(blob, Lease::Named))?;
        }
        compare(&mut real, &mut model, &Op::Maintain)?;
        // The number of the next content stays.
        prop_assert!(real.records() <= real.records + 1);
    }
}
