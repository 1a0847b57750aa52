//! Measures what the sled engine costs beside the disk below it, in interleaved rounds.
//!
//! `cargo run --release -p strongroom-engine --example engine_costs [directory]` prints medians: a durable
//! commit of four pages of 8 KiB and the same bytes by `pwrite` and `fdatasync`; then writing and reading 1
//! MiB values, once in records of 64 KiB and once whole.
#![allow(clippy::print_stdout, reason = "a measuring program reports by printing")]

use std::error::Error;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use strongroom_engine::engine::sled::{SledEngine, SledOptions};
use strongroom_engine::engine::{Batch, Durability, Engine, Space};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const COMMITS: u32 = 400;
const ROUNDS: u32 = 5;
const VALUES: u32 = 64;
const MIB: usize = 1 << 20;

fn main() -> Result<()> {
    let dir = std::env::args_os()
        .nth(1)
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = dir.join(format!("engine-costs-{}", std::process::id()));
    let outcome = measure(&dir);
    std::fs::remove_dir_all(&dir)?;
    outcome
}

fn measure(dir: &std::path::Path) -> Result<()> {
    let engine = SledEngine::open(dir.join("engine"), &SledOptions::default())?;
    let mut raw = File::create_new(dir.join("raw"))?;
    commits(&engine, &mut raw)?;
    for record in [MIB / 16, MIB] {
        throughput(&engine, &mut raw, record)?;
    }
    let on_disk = engine.stats()?.bytes_on_disk;
    println!("on disk in the end: {} MiB", on_disk >> 20);
    engine.close()?;
    Ok(())
}

fn commits(engine: &SledEngine, raw: &mut File) -> Result<()> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for number in 0..COMMITS {
        let pages: Vec<_> = (0..4u32).map(|page| noise(number * 4 + page, 8 << 10)).collect();
        let begin = Instant::now();
        let mut batch = Batch::new().put(Space::HEADS, b"head", number.to_be_bytes());
        for (page, bytes) in (0u8..).zip(&pages) {
            let key = [&u64::from(number).to_be_bytes()[..], &noise(number, 15), &[page]].concat();
            batch = batch.put(Space::PAGES, key, bytes.clone());
        }
        engine.apply(batch, Durability::Synced)?;
        ours.push(begin.elapsed());
        let begin = Instant::now();
        raw.write_all(&pages.concat())?;
        raw.sync_data()?;
        theirs.push(begin.elapsed());
    }
    let (ours, theirs) = (median(ours), median(theirs));
    println!("durable commit of 4 pages of 8 KiB, median of {COMMITS}: {ours:?}; raw {theirs:?}");
    Ok(())
}

fn throughput(engine: &SledEngine, raw: &mut File, record: usize) -> Result<()> {
    let (mut writes, mut reads, mut raw_writes) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let value = noise(round, MIB);
        let begin = Instant::now();
        for number in 0..VALUES {
            put_value(engine, &key(record, round, number), &value, record)?;
        }
        writes.push(begin.elapsed());
        let begin = Instant::now();
        for number in 0..VALUES {
            get_value(engine, &key(record, round, number), record)?;
        }
        reads.push(begin.elapsed());
        raw.seek(SeekFrom::Start(0))?;
        let begin = Instant::now();
        for _ in 0..VALUES {
            raw.write_all(&value)?;
            raw.sync_data()?;
        }
        raw_writes.push(begin.elapsed());
    }
    let [writes, reads, raw_writes] = [writes, reads, raw_writes]
        .map(|times| f64::from(VALUES) * MIB as f64 / 1e6 / median(times).as_secs_f64());
    println!(
        "1 MiB values in records of {} KiB, MB/s: durable write {writes:.0}, warm read {reads:.0}; raw write \
         {raw_writes:.0}",
        record >> 10
    );
    Ok(())
}

fn key(record: usize, round: u32, number: u32) -> Vec<u8> {
    let mut key = noise(round * 1000 + number, 36);
    key.extend_from_slice(&(record as u32).to_be_bytes());
    key
}

fn put_value(engine: &SledEngine, key: &[u8], value: &[u8], record: usize) -> Result<()> {
    let mut batch = Batch::new();
    for (index, bytes) in (0u32..).zip(value.chunks(record)) {
        batch = batch.put(Space::CHUNKS, [key, &index.to_be_bytes()].concat(), bytes);
    }
    engine.apply(batch, Durability::Buffered)?;
    Ok(engine.sync()?)
}

fn get_value(engine: &SledEngine, key: &[u8], record: usize) -> Result<()> {
    for index in 0..MIB / record {
        let key = [key, &(index as u32).to_be_bytes()].concat();
        let bytes = engine.get(Space::CHUNKS, &key)?;
        assert_eq!(bytes.map(|bytes| bytes.len()), Some(record));
    }
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn noise(seed: u32, length: usize) -> Vec<u8> {
    let mut state = u64::from(seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
