//! Whatever happens to block blobs, in whatever order, they hold what a plain model in memory holds: blocks
//! are staged and committed, blobs replaced, read in part, leased, deleted and kept as snapshots, while the
//! key is rotated, revoked and restored and the store is opened again.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{KEY, NEEDED, VAULT, World, pinned};
use proptest::prelude::*;
use strongroom::{
    BlobName, BlobVersionRef, BlockId, ByteRange, Conditions, Container, DeleteBlobOptions, DeleteSnapshots,
    DownloadOptions, Error, LeaseDuration, LeaseId, LeaseRequest, ListedBlock, Metadata, PutBlockListOptions,
    PutBlockOptions, SnapshotOptions, Timestamp, UploadOptions,
};

/// Whether a writer names the lease of the blob, if there is one.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lease {
    Named,
    Forgotten,
}

/// One thing that happens. Blobs and blocks are numbered.
#[derive(Clone, Debug)]
enum Op {
    PutBlock(u8, u8, usize, Lease),
    /// Which list each block is looked up in (0 committed, 1 uncommitted, 2 latest), and the blocks.
    Commit(u8, [u8; 3], Vec<u8>, Lease),
    Put(u8, usize, Lease),
    Get(u8, Option<u64>),
    Snapshot(u8),
    GetSnapshot(u8, usize),
    Delete(u8, Lease),
    Acquire(u8),
    Release(u8),
    Rotate,
    Revoke,
    Restore,
    Wait(u64),
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    let blob = || 0u8..2;
    let length = || prop_oneof![1usize..500, 60_000usize..70_000];
    let lease = || prop_oneof![3 => Just(Lease::Named), 1 => Just(Lease::Forgotten)];
    prop_oneof![
        6 => (blob(), 0u8..3, length(), lease()).prop_map(|(b, id, size, l)| Op::PutBlock(b, id, size, l)),
        5 => (blob(), [0u8..3, 0u8..3, 0u8..3], prop::collection::vec(0u8..3, 0..4), lease())
            .prop_map(|(b, kinds, list, l)| Op::Commit(b, kinds, list, l)),
        2 => (blob(), length(), lease()).prop_map(|(b, length, l)| Op::Put(b, length, l)),
        4 => (blob(), prop::option::of(1u64..80_000)).prop_map(|(b, start)| Op::Get(b, start)),
        2 => blob().prop_map(Op::Snapshot),
        2 => (blob(), 0usize..4).prop_map(|(b, which)| Op::GetSnapshot(b, which)),
        1 => (blob(), lease()).prop_map(|(b, l)| Op::Delete(b, l)),
        1 => blob().prop_map(Op::Acquire),
        1 => blob().prop_map(Op::Release),
        1 => Just(Op::Rotate),
        1 => Just(Op::Revoke),
        3 => Just(Op::Restore),
        1 => (0u64..3000).prop_map(Op::Wait),
        1 => Just(Op::Reopen),
    ]
}

/// Content that a reader got, or the code of a refusal.
type Told = Result<Vec<u8>, &'static str>;

#[derive(Clone, Default)]
struct Blob {
    content: Vec<u8>,
    blocks: BTreeMap<u8, Vec<u8>>,
}

#[derive(Default)]
struct Named {
    current: Option<Blob>,
    uncommitted: BTreeMap<u8, Vec<u8>>,
    snapshots: Vec<Vec<u8>>,
    leased: bool,
}

#[derive(Default)]
struct Model {
    blobs: [Named; 2],
    revoked: bool,
    /// Makes every content another one.
    puts: u8,
}

impl Model {
    fn fresh(&mut self, length: usize) -> Vec<u8> {
        self.puts = self.puts.wrapping_add(1);
        content(self.puts, length)
    }

    fn apply(&mut self, op: &Op) -> Told {
        let fresh = match op {
            Op::PutBlock(_, _, length, _) | Op::Put(_, length, _) => self.fresh(*length),
            _ => Vec::new(),
        };
        let needs_key = matches!(
            op,
            Op::PutBlock(..) | Op::Put(..) | Op::Get(..) | Op::GetSnapshot(..)
        );
        if self.revoked && needs_key {
            return Err("KeyVaultEncryptionKeyNotFound");
        }
        match op {
            Op::PutBlock(blob, ..)
            | Op::Commit(blob, ..)
            | Op::Put(blob, ..)
            | Op::Get(blob, _)
            | Op::Snapshot(blob)
            | Op::GetSnapshot(blob, _)
            | Op::Delete(blob, _)
            | Op::Acquire(blob)
            | Op::Release(blob) => return self.blobs[usize::from(*blob)].apply(op, fresh),
            Op::Revoke => self.revoked = true,
            Op::Restore => self.revoked = false,
            Op::Rotate | Op::Wait(_) | Op::Reopen => {}
        }
        Ok(Vec::new())
    }
}

impl Named {
    fn apply(&mut self, op: &Op, fresh: Vec<u8>) -> Told {
        match op {
            Op::PutBlock(_, id, _, lease) => {
                self.check(*lease)?;
                self.uncommitted.insert(*id, fresh);
            }
            Op::Commit(_, kinds, list, lease) => {
                self.check(*lease)?;
                self.commit(*kinds, list)?;
            }
            Op::Put(_, _, lease) => {
                self.check(*lease)?;
                self.uncommitted.clear();
                let blocks = BTreeMap::new();
                self.current = Some(Blob {
                    content: fresh,
                    blocks,
                });
            }
            Op::Get(_, start) => {
                let content = &self.current.as_ref().ok_or("BlobNotFound")?.content;
                let start = usize::try_from(start.unwrap_or(0)).unwrap();
                return match content.get(start..) {
                    Some([]) | None if start > 0 => Err("InvalidRange"),
                    rest => Ok(rest.unwrap_or_default().to_vec()),
                };
            }
            Op::Snapshot(_) => {
                let current = self.current.as_ref().ok_or("BlobNotFound")?;
                self.snapshots.push(current.content.clone());
            }
            Op::GetSnapshot(_, which) => {
                return self.snapshots.get(*which).cloned().ok_or("BlobNotFound");
            }
            Op::Delete(_, lease) => {
                self.current.as_ref().ok_or("BlobNotFound")?;
                self.check(*lease)?;
                *self = Self::default();
            }
            Op::Acquire(_) => {
                self.current.as_ref().ok_or("BlobNotFound")?;
                self.leased = true;
            }
            Op::Release(_) => {
                self.current.as_ref().ok_or("BlobNotFound")?;
                if !self.leased {
                    return Err("LeaseIdMismatchWithLeaseOperation");
                }
                self.leased = false;
            }
            _ => {}
        }
        Ok(Vec::new())
    }

    fn check(&self, lease: Lease) -> Result<(), &'static str> {
        if self.leased && lease == Lease::Forgotten {
            return Err("LeaseIdMissing");
        }
        Ok(())
    }

    fn commit(&mut self, kinds: [u8; 3], list: &[u8]) -> Result<(), &'static str> {
        let nothing = BTreeMap::new();
        let committed = self.current.as_ref().map_or(&nothing, |blob| &blob.blocks);
        let mut made = Blob::default();
        for id in list {
            let block = match kinds[usize::from(*id)] {
                0 => committed.get(id),
                1 => self.uncommitted.get(id),
                _ => self.uncommitted.get(id).or_else(|| committed.get(id)),
            };
            let block = block.ok_or("InvalidBlockList")?;
            made.content.extend(block);
            made.blocks.insert(*id, block.clone());
        }
        self.current = Some(made);
        self.uncommitted.clear();
        Ok(())
    }
}

fn content(seed: u8, length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| (index * 7 + index / 4096) as u8 ^ seed)
        .collect()
}

struct Real {
    world: World,
    puts: u8,
    snapshots: [Vec<Timestamp>; 2],
    leased: [bool; 2],
}

impl Real {
    fn new() -> Self {
        let real = Self {
            world: World::customer(),
            puts: 0,
            snapshots: [Vec::new(), Vec::new()],
            leased: [false; 2],
        };
        real.container().create(&Metadata::new()).unwrap();
        real
    }

    fn container(&self) -> Container {
        self.world.account().container(&"model".parse().unwrap())
    }

    fn fresh(&mut self, length: usize) -> Vec<u8> {
        self.puts = self.puts.wrapping_add(1);
        content(self.puts, length)
    }

    fn lease(&self, blob: u8, lease: Lease) -> Option<LeaseId> {
        let named = lease == Lease::Named && self.leased[usize::from(blob)];
        named.then(lease_id)
    }

    fn conditions(&self, blob: u8, lease: Lease) -> Conditions {
        Conditions {
            lease: self.lease(blob, lease),
            ..Conditions::default()
        }
    }

    fn write(&mut self, op: &Op) -> Result<(), Error> {
        let container = self.container();
        match op {
            Op::PutBlock(blob, id, length, lease) => {
                let content = self.fresh(*length);
                let options = PutBlockOptions {
                    lease: self.lease(*blob, *lease),
                    ..PutBlockOptions::default()
                };
                container.put_block(&named(*blob), &block(*id), content.as_slice(), &options)?;
            }
            Op::Commit(blob, kinds, list, lease) => {
                let listed = list.iter().map(|id| match kinds[usize::from(*id)] {
                    0 => ListedBlock::Committed(block(*id)),
                    1 => ListedBlock::Uncommitted(block(*id)),
                    _ => ListedBlock::Latest(block(*id)),
                });
                let options = PutBlockListOptions {
                    conditions: self.conditions(*blob, *lease),
                    ..PutBlockListOptions::default()
                };
                container.put_block_list(&named(*blob), &listed.collect::<Vec<_>>(), &options)?;
            }
            Op::Put(blob, length, lease) => {
                let content = self.fresh(*length);
                let options = UploadOptions {
                    conditions: self.conditions(*blob, *lease),
                    ..UploadOptions::default()
                };
                container.upload(&named(*blob), content.as_slice(), options)?;
            }
            Op::Delete(blob, lease) => {
                let options = DeleteBlobOptions {
                    snapshots: DeleteSnapshots::Include,
                    conditions: self.conditions(*blob, *lease),
                    ..DeleteBlobOptions::default()
                };
                container.delete_blob(&named(*blob), options)?;
                self.snapshots[usize::from(*blob)].clear();
                self.leased[usize::from(*blob)] = false;
            }
            _ => {}
        }
        Ok(())
    }

    fn run(&mut self, op: &Op) -> Result<Vec<u8>, Error> {
        let container = self.container();
        match op {
            Op::Get(blob, start) => {
                let range = start.map_or(ByteRange::all(), ByteRange::from);
                return self.get(*blob, range, BlobVersionRef::Base);
            }
            Op::GetSnapshot(blob, which) => {
                let taken = self.snapshots[usize::from(*blob)].get(*which);
                let taken = taken.copied().unwrap_or(Timestamp::from_unix_seconds(1));
                return self.get(*blob, ByteRange::all(), BlobVersionRef::Snapshot(taken));
            }
            Op::Snapshot(blob) => {
                let receipt = container.snapshot_blob(&named(*blob), &SnapshotOptions::default())?;
                self.snapshots[usize::from(*blob)].push(receipt.snapshot);
            }
            Op::Acquire(blob) => {
                let request = LeaseRequest::Acquire {
                    duration: LeaseDuration::new(-1)?,
                    proposed: Some(lease_id()),
                };
                container.lease_blob(&named(*blob), request, &Conditions::default())?;
                self.leased[usize::from(*blob)] = true;
            }
            Op::Release(blob) => {
                let request = LeaseRequest::Release(lease_id());
                container.lease_blob(&named(*blob), request, &Conditions::default())?;
                self.leased[usize::from(*blob)] = false;
            }
            // A rotation wraps the root key anew, which takes access.
            Op::Rotate => {
                let key = self.world.make_key(VAULT, KEY);
                drop(self.world.account().use_customer_key(&pinned(&key)));
            }
            Op::Revoke => self.world.revoke(VAULT, self.world.principal()),
            Op::Restore => self.world.grant(VAULT, self.world.principal(), &NEEDED),
            Op::Wait(seconds) => self.world.clock.advance(Duration::from_secs(*seconds)),
            Op::Reopen => self.world.reopen(),
            Op::PutBlock(..) | Op::Commit(..) | Op::Put(..) | Op::Delete(..) => self.write(op)?,
        }
        Ok(Vec::new())
    }

    fn get(&self, blob: u8, range: ByteRange, which: BlobVersionRef) -> Result<Vec<u8>, Error> {
        let options = DownloadOptions {
            range,
            which,
            ..DownloadOptions::default()
        };
        let mut out = Vec::new();
        self.container().download(&named(blob), &options, &mut out)?;
        Ok(out)
    }
}

fn named(blob: u8) -> BlobName {
    format!("blob/{blob}").parse().unwrap()
}

fn block(id: u8) -> BlockId {
    BlockId::new(&[id]).unwrap()
}

fn lease_id() -> LeaseId {
    "00000000-0000-0000-0000-000000000001".parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 256, ..ProptestConfig::default() })]

    #[test]
    fn block_blobs_hold_what_a_model_holds(ops in prop::collection::vec(op(), 1..60)) {
        let (mut real, mut model) = (Real::new(), Model::default());
        for op in ops.iter().chain(&[Op::Restore, Op::Reopen, Op::Get(0, None), Op::Get(1, None)]) {
            let told = real.run(op).map_err(|error| error.code().to_owned());
            prop_assert_eq!(told, model.apply(op).map_err(str::to_owned), "{:?}", op);
        }
    }
}
