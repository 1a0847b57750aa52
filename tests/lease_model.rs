//! Whatever is done to a lease, in whatever order and with whatever pauses, it is where a plain reading of
//! Azure's rules says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod blob_world;

use std::time::Duration;

use blob_world::{BlobWorld, blob};
use proptest::prelude::*;
use strongroom::{
    BlobName, BreakPeriod, Conditions, Container, Error, LeaseDuration, LeaseId, LeaseRequest, Metadata,
    UploadOptions,
};

/// One thing that happens. Ids are numbered.
#[derive(Clone, Debug)]
enum Op {
    Acquire(u8, i64),
    Renew(u8),
    Change(u8, u8),
    Release(u8),
    Break(Option<i64>),
    Wait(u64),
    /// Changes the blob under that lease, or none.
    Write(Option<u8>),
}

fn op() -> impl Strategy<Value = Op> {
    let id = || 0u8..3;
    let duration = prop_oneof![Just(-1i64), 15i64..=60];
    let period = prop_oneof![Just(None), (0i64..=60).prop_map(Some)];
    prop_oneof![
        4 => (id(), duration).prop_map(|(id, seconds)| Op::Acquire(id, seconds)),
        2 => id().prop_map(Op::Renew),
        2 => (id(), id()).prop_map(|(id, proposed)| Op::Change(id, proposed)),
        1 => id().prop_map(Op::Release),
        3 => period.prop_map(Op::Break),
        4 => (1u64..45).prop_map(Op::Wait),
        4 => prop_oneof![Just(None), id().prop_map(Some)].prop_map(Op::Write),
    ]
}

/// Seconds are counted down by hand: no times are compared here.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Model {
    Available,
    /// Id, seconds it was taken for, seconds left.
    Leased(u8, Option<u64>, Option<u64>),
    Expired(u8, u64),
    Breaking(u8, u64),
    Broken(u8),
}

impl Model {
    fn wait(self, seconds: u64) -> Self {
        match self {
            Self::Leased(id, Some(whole), Some(left)) if left <= seconds => Self::Expired(id, whole),
            Self::Leased(id, whole, Some(left)) => Self::Leased(id, whole, Some(left - seconds)),
            Self::Breaking(id, left) if left <= seconds => Self::Broken(id),
            Self::Breaking(id, left) => Self::Breaking(id, left - seconds),
            other => other,
        }
    }

    fn apply(self, op: &Op) -> Result<Self, &'static str> {
        use Model::{Available, Breaking, Broken, Expired, Leased};
        let mismatch = Err("LeaseIdMismatchWithLeaseOperation");
        let absent = Err("LeaseNotPresentWithLeaseOperation");
        match (op.clone(), self) {
            (Op::Wait(seconds), _) => Ok(self.wait(seconds)),
            (Op::Write(None), Leased(..) | Breaking(..)) => Err("LeaseIdMissing"),
            (Op::Write(None), Available | Expired(..) | Broken(_)) => Ok(Available),
            (Op::Write(Some(_)), Available | Expired(..) | Broken(_)) => {
                Err("LeaseNotPresentWithBlobOperation")
            }
            (Op::Write(Some(id)), Leased(held, ..) | Breaking(held, _)) if id != held => {
                Err("LeaseIdMismatchWithBlobOperation")
            }
            (Op::Write(Some(_)), Leased(..) | Breaking(..)) => Ok(self),
            (Op::Acquire(id, _), Leased(held, ..)) if id != held => Err("LeaseAlreadyPresent"),
            (Op::Acquire(id, _), Breaking(held, _)) if id != held => Err("LeaseAlreadyPresent"),
            (Op::Acquire(..), Breaking(..)) => Err("LeaseIsBreakingAndCannotBeAcquired"),
            (Op::Acquire(id, seconds), _) => {
                let whole = u64::try_from(seconds).ok();
                Ok(Leased(id, whole, whole))
            }
            (Op::Renew(_) | Op::Release(_), Available) => mismatch,
            (
                Op::Renew(id) | Op::Release(id),
                Leased(held, ..) | Expired(held, _) | Breaking(held, _) | Broken(held),
            ) if id != held => mismatch,
            (Op::Release(_), _) => Ok(Available),
            (Op::Renew(_), Leased(id, whole, _)) => Ok(Leased(id, whole, whole)),
            (Op::Renew(_), Expired(id, whole)) => Ok(Leased(id, Some(whole), Some(whole))),
            (Op::Renew(_), Breaking(..) | Broken(_)) => Err("LeaseIsBrokenAndCannotBeRenewed"),
            (Op::Change(..), Available | Expired(..) | Broken(_)) => absent,
            (Op::Change(id, new), Leased(held, ..) | Breaking(held, _)) if held != id && held != new => {
                mismatch
            }
            (Op::Change(_, new), Leased(_, whole, left)) => Ok(Leased(new, whole, left)),
            (Op::Change(..), Breaking(..)) => Err("LeaseIsBreakingAndCannotBeChanged"),
            (Op::Break(_), Available) => absent,
            (Op::Break(_), Expired(id, _) | Broken(id)) => Ok(Broken(id)),
            (Op::Break(None), Breaking(..)) => Ok(self),
            (Op::Break(None), Leased(id, _, left)) => Ok(breaking(id, left.unwrap_or(0))),
            (Op::Break(Some(period)), Leased(id, _, left)) => {
                let period = period.unsigned_abs();
                Ok(breaking(id, left.map_or(period, |left| left.min(period))))
            }
            (Op::Break(Some(period)), Breaking(id, left)) => {
                Ok(breaking(id, left.min(period.unsigned_abs())))
            }
        }
    }

    fn tell(self) -> String {
        match self {
            Self::Available => "available".to_owned(),
            Self::Leased(_, whole, _) => {
                format!("leased {}", if whole.is_some() { "fixed" } else { "infinite" })
            }
            Self::Expired(..) => "expired".to_owned(),
            Self::Breaking(..) => "breaking".to_owned(),
            Self::Broken(_) => "broken".to_owned(),
        }
    }
}

fn breaking(id: u8, seconds: u64) -> Model {
    if seconds == 0 {
        Model::Broken(id)
    } else {
        Model::Breaking(id, seconds)
    }
}

fn id(number: u8) -> LeaseId {
    format!("{number:08}-0000-4000-8000-000000000000")
        .parse()
        .unwrap()
}

/// What is leased.
enum Thing {
    Container(Container),
    Blob(Container, BlobName),
}

impl Thing {
    fn lease(&self, request: LeaseRequest) -> Result<(), Error> {
        let all = Conditions::default();
        match self {
            Self::Container(container) => container.lease(request, &all),
            Self::Blob(container, name) => container.lease_blob(name, request, &all),
        }
        .map(|_| ())
    }

    /// Containers are not written to: only deleting them needs the lease.
    fn write(&self, lease: Option<u8>) -> Result<(), Error> {
        let conditions = Conditions {
            lease: lease.map(id),
            ..Conditions::default()
        };
        let Self::Blob(container, name) = self else {
            return Ok(());
        };
        container.set_blob_metadata(name, &Metadata::new(), &conditions)?;
        let options = UploadOptions {
            conditions: conditions.clone(),
            ..UploadOptions::default()
        };
        // What has ended was forgotten by the write before, so the same id is refused where it is given
        // again.
        container.upload(name, &b"again"[..], options).map(|_| ())
    }

    fn seen(&self) -> String {
        let (state, duration) = match self {
            Self::Container(container) => {
                let properties = container.properties().unwrap();
                (properties.lease_state, properties.lease_duration)
            }
            Self::Blob(container, name) => {
                let properties = container.blob_properties(name, &Conditions::default()).unwrap();
                (properties.lease_state, properties.lease_duration)
            }
        };
        duration.map_or(state.to_string(), |duration| format!("{state} {duration}"))
    }

    fn run(&self, world: &BlobWorld, op: &Op) -> Result<(), String> {
        let request = match *op {
            Op::Acquire(number, seconds) => LeaseRequest::Acquire {
                duration: LeaseDuration::new(seconds).unwrap(),
                proposed: Some(id(number)),
            },
            Op::Renew(number) => LeaseRequest::Renew(id(number)),
            Op::Change(number, proposed) => LeaseRequest::Change {
                id: id(number),
                proposed: id(proposed),
            },
            Op::Release(number) => LeaseRequest::Release(id(number)),
            Op::Break(period) => {
                LeaseRequest::Break(period.map(|seconds| BreakPeriod::new(seconds).unwrap()))
            }
            Op::Write(lease) => return self.write(lease).map_err(|error| error.code().to_owned()),
            Op::Wait(seconds) => {
                world.clock.advance(Duration::from_secs(seconds));
                return Ok(());
            }
        };
        self.lease(request).map_err(|error| error.code().to_owned())
    }
}

fn follows_the_model(world: &BlobWorld, thing: &Thing, ops: &[Op]) -> Result<(), TestCaseError> {
    let mut model = Model::Available;
    for op in ops {
        if matches!((op, thing), (Op::Write(_), Thing::Container(_))) {
            continue;
        }
        let want = model.apply(op);
        let got = thing.run(world, op);
        prop_assert_eq!(
            got,
            want.map(|_| ()).map_err(str::to_owned),
            "{:?} when {:?}",
            op,
            model
        );
        model = want.unwrap_or(model);
        prop_assert_eq!(thing.seen(), model.tell());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn leases_follow_the_model(ops in prop::collection::vec(op(), 1..60)) {
        let world = BlobWorld::new();
        let container = world.container("modelled");
        let name = blob("modelled");
        container.upload(&name, &b"first"[..], UploadOptions::default()).unwrap();
        follows_the_model(&world, &Thing::Container(container.clone()), &ops)?;
        follows_the_model(&world, &Thing::Blob(container, name), &ops)?;
    }
}
