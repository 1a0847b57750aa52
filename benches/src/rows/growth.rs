//! B10 to B12: how listing, opening, memory and space grow with what is stored. Every store is worked on by
//! processes of its own, because its memory or its opening is the figure.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use strongroom_bench_store::Result;

use crate::args::{Args, Scale};
use crate::report::{Goal, Measured, Ratio};
use crate::rounds::Series;
use crate::worker::task;

/// Our layouts: what the worker calls them, and the table.
const PLACES: [(&str, &str); 3] = [
    ("engine", "ours"),
    ("files", "ours, files"),
    ("fjall", "ours, fjall"),
];
const MIB: u64 = 1 << 20;

/// B10: many blobs in one container.
pub(crate) fn many_blobs(args: &Args) -> Result<Vec<Measured>> {
    let counts: &[usize] = match args.scale {
        Scale::Smoke => &[100, 200],
        Scale::Full => &[1000, 10_000, 100_000],
        Scale::Large => &[10_000, 100_000, 1_000_000],
    };
    let mut rows = [
        ("create with 16 threads", "1/s", "create", None),
        (
            "list all names",
            "names/s",
            "list",
            Some(Goal::AtLeast(500_000.0)),
        ),
        (
            "list one page of 5,000 blobs, prefix and delimiter",
            "ms",
            "page",
            Some(Goal::AtMost(20.0)),
        ),
        (
            "list one page of 5,000 groups, prefix and delimiter",
            "ms",
            "groups",
            Some(Goal::AtMost(20.0)),
        ),
        ("open the store", "ms", "open", None),
        (
            "peak resident memory of creating and listing",
            "MiB",
            "memory",
            None,
        ),
    ]
    .map(|(what, unit, figure, goal)| (figure, goal, Measured::new("B10", what, unit, Vec::new())));
    for &count in counts {
        let dir = tempfile::tempdir_in(&args.dir)?;
        let place = dir.path().to_string_lossy();
        let rounds = args.rounds.to_string();
        let filled = task(&["fill", &place, &count.to_string(), "16", &rounds])?;
        let mut opened = Vec::new();
        for round in 0..=args.rounds {
            let open = task(&["open", &place])?.of("open")?;
            opened.extend(open.into_iter().filter(|_| round > 0));
        }
        for (figure, goal, row) in &mut rows {
            let values = if *figure == "open" {
                opened.clone()
            } else {
                filled.of(figure)?
            };
            let series = Series::new("ours", values).at(count as f64);
            row.series.push(Series {
                goal: *goal,
                ..series
            });
        }
    }
    Ok(rows.map(|(_, _, row)| row.along("blobs in the container")).into())
}

/// B11: peak memory of streaming one large blob in, and of streaming it out again in another process.
pub(crate) fn memory(args: &Args) -> Result<Vec<Measured>> {
    let sizes: &[u64] = match args.scale {
        Scale::Smoke => &[1, 2],
        Scale::Full => &[10, 100, 1024],
        Scale::Large => &[100, 1024, 10_240],
    };
    let mut puts = Measured::new("B11", "put one blob: peak resident memory", "MiB", Vec::new());
    let mut gets = Measured::new("B11", "get one blob: peak resident memory", "MiB", Vec::new());
    for ((place, name), most) in PLACES.into_iter().zip([Some(512.0), Some(160.0), None]) {
        for &mib in sizes {
            let dir = tempfile::tempdir_in(&args.dir)?;
            let (at, bytes) = (dir.path().to_string_lossy(), (mib * MIB).to_string());
            let put = task(&["put-stream", &at, place, &bytes])?;
            let get = task(&["get-stream", &at, &bytes])?;
            for (row, figures) in [(&mut puts, put), (&mut gets, get)] {
                let series = Series::new(name, figures.of("memory")?).at(mib as f64);
                row.series.push(Series {
                    goal: most.map(Goal::AtMost),
                    ..series
                });
            }
        }
    }
    let rows = [puts, gets].map(|row| growth(row.along("MiB streamed"), args.scale));
    Ok(rows.into())
}

/// Divides the largest of each line by the one before it. From 1 to 10 GiB files may grow by a tenth.
fn growth(mut row: Measured, scale: Scale) -> Measured {
    for (_, name) in PLACES {
        let line: Vec<_> = row.series.iter().filter(|series| series.name == name).collect();
        let [.., before, largest] = &line[..] else {
            continue;
        };
        let mut ratio = Ratio::of(largest, before, &[]);
        if scale == Scale::Large && name == "ours, files" {
            ratio.goal = Some(Goal::AtMost(1.1));
        }
        row.ratios.push(ratio);
    }
    row
}

/// B12: what a store takes on disk beside what is alive in it, after half of it was overwritten and half
/// deleted.
pub(crate) fn space(args: &Args) -> Result<Vec<Measured>> {
    let large: &[u64] = match args.scale {
        Scale::Smoke => &[4, 8],
        Scale::Full => &[16, 128, 1024],
        Scale::Large => &[64, 512, 4096],
    };
    let small: &[u64] = args.size(&[4, 32], &[1]);
    let [engine, files, fjall] = PLACES;
    let (engine, fjall) = ((engine, Goal::AtMost(3.0)), (fjall, Goal::AtMost(1.2)));
    let all = [engine, (files, Goal::AtMost(1.1)), fjall];
    let in_large = spread_out(args, ("blobs of 1 MiB", MIB, large), &all)?;
    // Small bodies are in the engine wherever large ones are, so the goal of the files does not concern them.
    let in_small = spread_out(args, ("blobs of 4 KiB", 4096, small), &[engine, fjall])?;
    Ok(vec![in_large, in_small])
}

/// The goal is that of the largest size: at small ones a log segment or two outweigh everything.
fn spread_out(
    args: &Args,
    (what, body, sizes): (&str, u64, &[u64]),
    places: &[((&str, &str), Goal)],
) -> Result<Measured> {
    let mut series = Vec::new();
    for ((place, name), goal) in places {
        for &mib in sizes {
            let dir = tempfile::tempdir_in(&args.dir)?;
            let (at, count) = (dir.path().to_string_lossy(), (mib * MIB / body).to_string());
            task(&["churn", &at, place, &count, &body.to_string()])?;
            let live = task(&["settle", &at, &count, &body.to_string()])?.of("live")?;
            // Without the vaults, which are as large whatever is stored.
            let taken = bytes_on_disk(&dir.path().join("data"))? as f64;
            let ratios = live.into_iter().map(|live| taken / live).collect();
            let figure = Series::new(*name, ratios).at(mib as f64);
            let is_largest = sizes.last() == Some(&mib);
            series.push(if is_largest { figure.wants(*goal) } else { figure });
        }
    }
    let what = format!("bytes on disk / live bytes, {what}");
    Ok(Measured::new("B12", &what, "times", series).along("MiB stored before half was deleted"))
}

/// What the file system has given away, which for sparse files is less than their lengths.
fn bytes_on_disk(dir: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += metadata.blocks() * 512;
        if metadata.is_dir() {
            bytes += bytes_on_disk(&entry.path())?;
        }
    }
    Ok(bytes)
}
