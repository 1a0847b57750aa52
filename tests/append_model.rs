//! Whatever happens to append blobs, in whatever order, they hold what a plain model in memory holds: blocks
//! are appended under conditions, blobs sealed, leased, copied, kept as snapshots, deleted and begun again,
//! while the key is revoked and restored and the store is opened again. What nothing refers to is gone in the
//! end.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod append_plan;
mod common;

use append_plan::{Ask, Lease, Model, Op, Told, Which, content, most, op};
use common::{NEEDED, VAULT, World};
use proptest::prelude::*;
use strongroom::{
    AppendBlockOptions, AppendReceipt, BlobName, BlobSource, BlobType, BlobVersionRef, ByteRange, Conditions,
    Container, CopyOptions, CreateBlobOptions, DeleteBlobOptions, DeleteSnapshots, DownloadOptions, Error,
    LeaseDuration, LeaseId, LeaseRequest, Metadata, SnapshotOptions, Timestamp,
};

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
