//! B1 to B5: bodies in and out, beside the limits and the peers.

use std::path::Path;

use strongroom_bench_store::{Keys, Kind, Layout, Load, Names, Ours, Result, Store};

use crate::args::Args;
use crate::peers::aead::Aead;
use crate::peers::age::AgeFiles;
use crate::peers::raw::Raw;
use crate::peers::sqlite::{Cache, Encryption, Sqlite};
use crate::report::{Goal, Measured, Wish};
use crate::rounds::{Contestant, interleave};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// B1: durable puts, one writer.
pub(crate) fn put(args: &Args) -> Result<Vec<Measured>> {
    let engine = at_least(ENGINE, "sqlcipher", 1.0);
    let small = [engine.clone(), at_least(FILES, "raw", 0.35)];
    let large = [
        engine,
        at_least(FILES, "raw", 0.7),
        at_least(FILES, "sqlcipher", 4.0),
    ];
    [
        (1, args.size(32, 2), &small[..]),
        (args.size(64, 4), args.size(2, 1), &large[..]),
    ]
    .into_iter()
    .map(|(mib, count, wishes)| {
        let load = load(Kind::Put, mib * MIB, count);
        compare(args, ("B1", &format!("put {mib} MiB, durable")), load, wishes)
    })
    .collect()
}

/// B2: gets of what was just put, warm.
pub(crate) fn get(args: &Args) -> Result<Vec<Measured>> {
    let wishes = [
        at_least(ENGINE, "sqlcipher", 2.0),
        at_least(FILES, "raw", 0.35),
        at_least(FILES, "sqlcipher", 4.0),
    ];
    [(1, args.size(32, 2)), (args.size(64, 4), args.size(2, 1))]
        .into_iter()
        .map(|(mib, count)| {
            let load = load(Kind::Get, mib * MIB, count);
            compare(args, ("B2", &format!("get {mib} MiB, warm")), load, &wishes)
        })
        .collect()
}

/// B3: small durable puts, alone and together, in order and not.
pub(crate) fn small_puts(args: &Args) -> Result<Vec<Measured>> {
    let wishes = |goal, target| {
        [ENGINE, FILES, FJALL].map(|ours| at_least(ours, "sqlcipher", goal).then(Goal::AtLeast(target)))
    };
    let (alone, together) = (wishes(0.35, 0.8), wishes(2.0, 4.0));
    let mut rows = Vec::new();
    for (names, order) in [(Names::Sequential, "sequential"), (Names::Random, "random")] {
        for (threads, count, wishes) in [
            (1, args.size(400, 8), &alone),
            (16, args.size(3200, 32), &together),
        ] {
            let load = Load {
                threads,
                names,
                ..load(Kind::Put, 4 * KIB, count)
            };
            let what = format!("put 4 KiB, durable, {threads} threads, {order} names");
            rows.push(compare(args, ("B3", &what), load, wishes)?);
        }
    }
    Ok(rows)
}

/// B4: small gets, warm, one thread.
pub(crate) fn small_gets(args: &Args) -> Result<Vec<Measured>> {
    let load = Load {
        names: Names::Random,
        ..load(Kind::Get, 4 * KIB, args.size(4000, 16))
    };
    let wishes = [ENGINE, FILES].map(|ours| at_least(ours, "sqlcipher", 2.0));
    let row = compare(args, ("B4", "get 4 KiB, warm, 1 thread"), load, &wishes)?;
    Ok(vec![row])
}

/// B5: random reads inside one large body. SQLite holds no body of 1 GB or more, which bounds this row.
pub(crate) fn random_reads(args: &Args) -> Result<Vec<Measured>> {
    let mib = args.size(256, 2);
    let load = load(Kind::Read, mib * MIB, args.size(400, 8));
    let wishes = [ENGINE, FILES].map(|ours| at_least(ours, "sqlcipher", 4.0));
    let what = format!("read 64 KiB at random inside {mib} MiB");
    Ok(vec![compare(args, ("B5", &what), load, &wishes)?])
}

fn at_least(ours: &str, peer: &str, least: f64) -> Wish {
    Wish::new(ours, peer, Goal::AtLeast(least))
}

fn load(kind: Kind, body_bytes: usize, count: usize) -> Load {
    Load {
        kind,
        body_bytes,
        count,
        threads: 1,
        names: Names::Sequential,
    }
}

fn compare(args: &Args, (id, workload): (&str, &str), load: Load, wishes: &[Wish]) -> Result<Measured> {
    let dir = tempfile::tempdir_in(&args.dir)?;
    let stores = stores(dir.path())?;
    for store in &stores {
        load.prepare(store.as_ref())
            .map_err(|error| format!("{}: {error}", store.name()))?;
    }
    let mut contestants: Vec<_> = stores
        .iter()
        .map(|store| Contestant::new(store.name(), move |round| load.round(store.as_ref(), round)))
        .collect();
    let series = interleave(&mut contestants, args.rounds)?;
    Ok(Measured::new(id, workload, load.unit(), series).versus(&[ENGINE, FILES, FJALL], wishes))
}

/// Everybody, ours first, each in a directory of its own.
fn stores(dir: &Path) -> Result<Vec<Box<dyn Store>>> {
    let place = |name: &str| -> Result<_> {
        let place = dir.join(name);
        std::fs::create_dir(&place)?;
        Ok(place)
    };
    let ours = |name, layout| -> Result<Box<dyn Store>> {
        Ok(Box::new(Ours::create(
            &place(name)?,
            name,
            (Keys::Platform, layout),
        )?))
    };
    let sqlite = |name, encryption, cache| -> Result<Box<dyn Store>> {
        Ok(Box::new(Sqlite::create(&place(name)?, encryption, cache)?))
    };
    Ok(vec![
        ours(ENGINE, Layout::Engine)?,
        ours(FILES, Layout::Files)?,
        ours(FJALL, Layout::Fjall)?,
        sqlite("sqlcipher", Encryption::SqlCipher, Cache::Default)?,
        sqlite("cached", Encryption::SqlCipher, Cache::Large)?,
        sqlite("sqlite", Encryption::None, Cache::Default)?,
        Box::new(AgeFiles::create(&place("age")?)),
        Box::new(Raw::create(&place("raw")?)?),
        Box::new(Aead::create()?),
    ])
}

/// Our contestants: all in the engine, and large bodies in files.
const ENGINE: &str = "ours";
const FILES: &str = "ours, files";
const FJALL: &str = "ours, fjall";
