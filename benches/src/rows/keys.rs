//! B6 to B8: what encryption, the customer's key and its rotation cost. We against ourselves.

use std::cell::RefCell;
use std::path::Path;

use strongroom_bench_store::{Keys, Kind, Layout, Load, Names, Ours, Result, Store, WriteCounts, random};

use crate::args::{Args, Scale};
use crate::report::{Goal, Measured, Ratio, Wish};
use crate::rounds::{Contestant, Series, interleave};
use crate::worker::Worker;

const MIB: usize = 1 << 20;

/// B6: the ordinary build, and one that copies where it would seal. Two builds, so two processes. Small
/// bodies are in the engine wherever large ones are.
pub(crate) fn encryption(args: &Args) -> Result<Vec<Measured>> {
    let Some(null) = &args.null_worker else {
        eprintln!("B6 skipped: it needs --null-worker, see docs/BENCHMARKS.md");
        return Ok(Vec::new());
    };
    let sealing = std::env::current_exe()?.with_file_name("strongroom-bench-worker");
    let measure = |(place, what, load): (&str, String, Load)| {
        let mut contestants = Vec::new();
        for (name, path) in [("sealed", sealing.as_path()), ("null cipher", null.as_path())] {
            let mut worker = Worker::start(path, &args.dir, (place, load))?;
            contestants.push(Contestant::new(name, move |round| worker.round(round)));
        }
        let series = interleave(&mut contestants, args.rounds)?;
        let wish = Wish::new("sealed", "null cipher", Goal::AtLeast(0.9));
        Ok(Measured::new("B6", &what, load.unit(), series).first_versus(&[wish]))
    };
    let large = loads(args).into_iter().filter(|(_, load)| load.body_bytes == MIB);
    let engine = loads(args)
        .into_iter()
        .map(|(what, load)| ("engine", what.to_owned(), load));
    let files = large.map(|(what, load)| ("files", format!("{what}, in files"), load));
    engine.chain(files).map(measure).collect()
}

/// B7: an account under a customer's key, and one that the platform manages.
pub(crate) fn customer_key(args: &Args) -> Result<Vec<Measured>> {
    loads(args)
        .into_iter()
        .map(|(what, load)| with_and_without(args, what, load))
        .collect()
}

fn with_and_without(args: &Args, what: &str, load: Load) -> Result<Measured> {
    let dir = tempfile::tempdir_in(&args.dir)?;
    let customer = ours(dir.path(), "customer key", Keys::Customer)?;
    let platform = ours(dir.path(), "platform key", Keys::Platform)?;
    let mut contestants = Vec::new();
    for store in [&customer, &platform] {
        load.prepare(store)?;
        contestants.push(Contestant::new(store.name(), |round| load.round(store, round)));
    }
    let series = interleave(&mut contestants, args.rounds)?;
    let wish = Wish::new("customer key", "platform key", Goal::AtLeast(0.98));
    Ok(Measured::new("B7", what, load.unit(), series).first_versus(&[wish]))
}

/// B8: one rotation, by how much is stored in blobs of 1 MiB. Largest first: it is divided by the others.
pub(crate) fn rotation(args: &Args) -> Result<Vec<Measured>> {
    let sizes: &[usize] = match args.scale {
        Scale::Smoke => &[2, 1],
        Scale::Full => &[100, 10, 1],
        Scale::Large => &[10_240, 100, 1],
    };
    let dir = tempfile::tempdir_in(&args.dir)?;
    let mut stores = Vec::new();
    for mib in sizes {
        let store = ours(dir.path(), "rotated", Keys::Customer)?;
        fill(&store, *mib)?;
        stores.push((*mib, store));
    }
    let taken = RefCell::new(Vec::new());
    let mut contestants: Vec<_> = stores
        .iter()
        .map(|(mib, store)| rotate(*mib, store, &taken))
        .collect();
    let time = interleave(&mut contestants, args.rounds)?;
    let taken = taken.borrow();
    let counted = |count: fn(&WriteCounts) -> u64| -> Vec<Series> {
        let of = |mib: &usize| {
            let counts = taken.iter().filter(|(store, _)| store == mib);
            Series::new(ROTATE, counts.map(|(_, written)| count(written) as f64).collect())
        };
        sizes.iter().map(of).collect()
    };
    let row = |what: &str, unit: &str, goal: Option<Goal>, series: Vec<Series>| {
        let places = sizes.iter().map(|mib| *mib as f64);
        let placed = series.into_iter().zip(places).map(|(series, place)| Series {
            name: ROTATE.to_owned(),
            at: Some(place),
            goal,
            ..series
        });
        Measured::new("B8", what, unit, placed.collect()).along("MiB stored")
    };
    let mut time = row("rotate: time", "ms", Some(Goal::AtMost(5.0)), time);
    if let [largest, .., least] = &time.series[..] {
        let mut ratio = Ratio::of(largest, least, &[]);
        ratio.goal = Some(Goal::AtMost(1.5));
        time.ratios.push(ratio);
    }
    let counts = |what, unit, most, count| row(what, unit, Some(Goal::AtMost(most)), counted(count));
    Ok(vec![
        time,
        counts("rotate: records written", "bytes", 65_536.0, |counts| {
            counts.record_bytes
        }),
        counts("rotate: chunks written", "bytes", 0.0, |counts| {
            counts.chunk_bytes
        }),
        counts("rotate: syncs", "syncs", 2.0, |counts| counts.syncs),
    ])
}

/// Rotates once per round, notes what was written, and gives the time in milliseconds.
fn rotate<'a>(mib: usize, store: &'a Ours, taken: &'a RefCell<Vec<(usize, WriteCounts)>>) -> Contestant<'a> {
    Contestant::new(ROTATE, move |round| {
        let rotation = store.rotate()?;
        if round > 0 {
            taken.borrow_mut().push((mib, rotation.written));
        }
        Ok(rotation.time.as_secs_f64() * 1e3)
    })
}

fn ours(dir: &Path, name: &'static str, keys: Keys) -> Result<Ours> {
    Ours::create(&tempfile::tempdir_in(dir)?.keep(), name, (keys, Layout::Engine))
}

fn fill(store: &Ours, mib: usize) -> Result<()> {
    let body = random(MIB)?;
    (0..mib).try_for_each(|number| store.put(&format!("stored/{number:06}"), &body))
}

fn loads(args: &Args) -> Vec<(&'static str, Load)> {
    let load = |kind, body_bytes, count| Load {
        kind,
        body_bytes,
        count,
        threads: 1,
        names: Names::Sequential,
    };
    vec![
        ("put 1 MiB, durable", load(Kind::Put, MIB, args.size(32, 2))),
        ("get 1 MiB, warm", load(Kind::Get, MIB, args.size(32, 2))),
        ("put 4 KiB, durable", load(Kind::Put, 4 << 10, args.size(400, 8))),
        ("get 4 KiB, warm", load(Kind::Get, 4 << 10, args.size(2000, 16))),
    ]
}

/// What the line is called that shows a rotation.
const ROTATE: &str = "ours";
