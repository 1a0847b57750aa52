//! B9: what the check of the customer's key costs while nothing changes, and what still succeeds once access
//! was taken away.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use strongroom_bench_store::{Keys, Layout, Ours, Result, Store, random};

use crate::args::Args;
use crate::report::{Goal, Measured};
use crate::rounds::{Contestant, Series, interleave};

/// B9: both figures.
pub(crate) fn revocation(args: &Args) -> Result<Vec<Measured>> {
    Ok(vec![check(args)?, refusals(args)?])
}

/// A read of one byte of a chunk that is open already does little beside the check, so the time with a
/// customer's key bounds the check from above; less the time without one it is the check itself.
fn check(args: &Args) -> Result<Measured> {
    let dir = tempfile::tempdir_in(&args.dir)?;
    let (customer, platform) = (dir.path().join("customer"), dir.path().join("platform"));
    let reads = args.size(50_000, 100);
    let times = args.size(40, 1);
    let mut contestants = Vec::new();
    for (name, place, keys) in [
        ("read with customer key", &customer, Keys::Customer),
        ("read with platform key", &platform, Keys::Platform),
    ] {
        let store = create(place, keys)?;
        store.put(BLOB, &random(64 * 1024)?)?;
        contestants.push(Contestant::new(name, move |_| read_bytes(&store, reads, times)));
    }
    let mut series = interleave(&mut contestants, args.rounds)?;
    if let [customer, platform] = &series[..] {
        let pairs = customer.values.iter().zip(&platform.values);
        let check = pairs.map(|(with, without)| with - without).collect();
        series.push(Series::new("the check: their difference", check).wants(Goal::AtMost(20.0)));
    }
    Ok(Measured::new("B9", "read 1 byte of an open blob", "ns", series))
}

/// Nanoseconds of one read, the least of several times: whatever disturbs a loop this short only adds to it.
fn read_bytes(store: &Ours, reads: usize, times: usize) -> Result<f64> {
    let mut blob = store.reader(BLOB)?;
    let mut byte = [0];
    blob.read_exact(&mut byte)?;
    let mut least = f64::INFINITY;
    for _ in 0..times {
        blob.seek(SeekFrom::Start(0))?;
        let begun = Instant::now();
        for _ in 0..reads {
            blob.read_exact(&mut byte)?;
        }
        least = least.min(begun.elapsed().as_secs_f64() * 1e9 / reads as f64);
    }
    Ok(least)
}

/// A way to take access away, and to give it back.
struct Revocation {
    name: &'static str,
    revoke: fn(&Ours) -> Result<()>,
    restore: fn(&Ours) -> Result<()>,
}

const REVOCATIONS: [Revocation; 2] = [
    Revocation {
        name: "permissions taken away",
        revoke: |store| store.set_policy(&[]),
        restore: |store| store.set_policy(&["get", "wrapKey", "unwrapKey"]),
    },
    Revocation {
        name: "key disabled",
        revoke: |store| store.set_key_enabled(false),
        restore: |store| store.set_key_enabled(true),
    },
];

fn refusals(args: &Args) -> Result<Measured> {
    let dir = tempfile::tempdir_in(&args.dir)?;
    let store = create(&dir.path().join("store"), Keys::Customer)?;
    store.put(BLOB, &random(64 * 1024)?)?;
    let mut contestants: Vec<_> = REVOCATIONS
        .iter()
        .map(|way| {
            Contestant::new(way.name, |round| {
                survivors(&store, way, (round, args.size(200, 3)))
            })
        })
        .collect();
    let series = interleave(&mut contestants, args.rounds)?;
    let series = series.into_iter().map(|series| series.wants(Goal::AtMost(0.0)));
    let what = "gets, puts and reads of an open blob that begin after the revoking call and succeed";
    Ok(Measured::new("B9", what, "operations", series.collect()))
}

/// How many operations of four threads succeeded although they began after the revoking call had returned.
fn survivors(store: &Ours, way: &Revocation, (round, tries): (usize, usize)) -> Result<f64> {
    let (revoked, before, survivors) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let watch = |operation: &mut dyn FnMut(usize) -> bool| {
        let mut after = 0;
        for number in 0.. {
            // Read before the operation begins: what began earlier may still succeed.
            let is_revoked = revoked.load(Ordering::SeqCst);
            let succeeded = operation(number);
            match (is_revoked, succeeded) {
                (true, true) => survivors.fetch_add(1, Ordering::SeqCst),
                (false, true) => before.fetch_add(1, Ordering::SeqCst),
                (_, false) => 0,
            };
            after += usize::from(is_revoked);
            if after == tries {
                break;
            }
        }
    };
    let mut open = store.reader(BLOB)?;
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| watch(&mut |_| store.get(BLOB, &mut Vec::new()).is_ok()));
        }
        scope.spawn(|| {
            watch(&mut |number| {
                let name = format!("put/{}/{round}/{number}", way.name.replace(' ', "-"));
                store.put(&name, b"still here?").is_ok()
            });
        });
        scope.spawn(|| {
            watch(&mut |_| open.seek(SeekFrom::Start(0)).is_ok() && open.read_exact(&mut [0]).is_ok());
        });
        let deadline = Instant::now() + Duration::from_secs(10);
        while before.load(Ordering::SeqCst) < tries && Instant::now() < deadline {
            std::thread::yield_now();
        }
        let done = (way.revoke)(store);
        revoked.store(true, Ordering::SeqCst);
        done
    })?;
    if before.load(Ordering::SeqCst) < tries {
        return Err("the operations do not even succeed before the revocation".into());
    }
    (way.restore)(store)?;
    store.get(BLOB, &mut Vec::new())?;
    Ok(survivors.load(Ordering::SeqCst) as f64)
}

fn create(dir: &Path, keys: Keys) -> Result<Ours> {
    std::fs::create_dir(dir)?;
    Ours::create(dir, "ours", (keys, Layout::Engine))
}

/// The blob that is read.
const BLOB: &str = "blob";
