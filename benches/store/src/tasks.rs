//! What is done once in a process of its own, because its memory is the figure or because the store has to be
//! opened again.

use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Instant;

use strongroom::ListBlobs;

use crate::load::mix;
use crate::{Keys, Layout, Ours, Result, Store, random};

/// A figure by its name, measured once or several times.
pub struct Figure {
    /// What it is.
    pub name: &'static str,
    /// Its values.
    pub values: Vec<f64>,
}

impl Figure {
    fn once(name: &'static str, value: f64) -> Self {
        Self {
            name,
            values: vec![value],
        }
    }
}

/// Does one task: its name, a directory, and what it takes.
///
/// # Errors
/// Whatever went wrong, and words that are no task.
pub fn task(words: &[&str]) -> Result<Vec<Figure>> {
    match *words {
        ["fill", dir, count, threads, rounds] => fill(
            Path::new(dir),
            (count.parse()?, threads.parse()?),
            rounds.parse()?,
        ),
        ["open", dir] => open(Path::new(dir)),
        ["put-stream", dir, place, bytes] => put_stream(Path::new(dir), place.parse()?, bytes.parse()?),
        ["get-stream", dir, bytes] => get_stream(Path::new(dir), bytes.parse()?),
        ["churn", dir, place, count, body_bytes] => churn(
            Path::new(dir),
            place.parse()?,
            (count.parse()?, body_bytes.parse()?),
        ),
        ["settle", dir, count, body_bytes] => settle(Path::new(dir), (count.parse()?, body_bytes.parse()?)),
        _ => Err(format!("not a task: {}", words.join(" ")).into()),
    }
}

/// Makes a store with `count` small blobs in one container, then lists them: all, and one page of each kind.
///
/// Half of the names lie in one folder, the other half in [`GROUPS`] folders: a page of blobs and a page of
/// groups each have 5,000 entries at every size from 10,000 blobs on.
fn fill(dir: &Path, (count, threads): (usize, usize), rounds: usize) -> Result<Vec<Figure>> {
    let store = Ours::create(dir, "ours", (Keys::Platform, Layout::Engine))?;
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let share = count.div_ceil(threads);
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let numbers = thread * share..count.min((thread + 1) * share);
                let store = &store;
                scope.spawn(move || {
                    numbers
                        .into_iter()
                        .try_for_each(|number| store.put(&name_in_container(number), &[7; BODY_BYTES]))
                })
            })
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| "a thread panicked")?)
    })?;
    let created = count as f64 / begun.elapsed().as_secs_f64();
    let (mut listed, mut blobs, mut groups) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=rounds {
        let begun = Instant::now();
        list_all(&store, count)?;
        let all = count as f64 / begun.elapsed().as_secs_f64();
        let (of_blobs, of_groups) = (page(&store, "flat/")?, page(&store, "group/")?);
        if round > 0 {
            listed.push(all);
            blobs.push(of_blobs);
            groups.push(of_groups);
        }
    }
    store.close()?;
    let several = |name, values| Figure { name, values };
    Ok(vec![
        Figure::once("create", created),
        several("list", listed),
        several("page", blobs),
        several("groups", groups),
        Figure::once("memory", peak_memory()?),
    ])
}

fn name_in_container(number: usize) -> String {
    let half = number / 2;
    if number.is_multiple_of(2) {
        format!("flat/{half:08}")
    } else {
        format!("group/{:04}/{:08}", half % GROUPS, half / GROUPS)
    }
}

fn list_all(store: &Ours, count: usize) -> Result<()> {
    let (mut request, mut seen) = (ListBlobs::default(), 0);
    loop {
        let page = store.list(&request)?;
        seen += page.entries.len();
        request.marker = match page.next {
            Some(next) => Some(next),
            None if seen == count => return Ok(()),
            None => return Err(format!("listed {seen} of {count} blobs").into()),
        };
    }
}

/// Milliseconds of one page of what lies under `prefix`.
fn page(store: &Ours, prefix: &str) -> Result<f64> {
    let request = ListBlobs {
        prefix: prefix.to_owned(),
        delimiter: Some("/".to_owned()),
        ..ListBlobs::default()
    };
    let begun = Instant::now();
    let page = store.list(&request)?;
    let taken = begun.elapsed();
    if page.entries.is_empty() {
        return Err(format!("nothing is listed under {prefix}").into());
    }
    Ok(taken.as_secs_f64() * 1e3)
}

/// Opens the store in `dir` and reads a blob of it.
fn open(dir: &Path) -> Result<Vec<Figure>> {
    let (store, taken) = Ours::open(dir)?;
    store.get(&name_in_container(0), &mut Vec::new())?;
    store.close()?;
    Ok(vec![
        Figure::once("open", taken.as_secs_f64() * 1e3),
        Figure::once("memory", peak_memory()?),
    ])
}

fn put_stream(dir: &Path, layout: Layout, bytes: u64) -> Result<Vec<Figure>> {
    let store = Ours::create(dir, "ours", (Keys::Platform, layout))?;
    store.upload(STREAM, Noise::new().take(bytes), bytes)?;
    store.close()?;
    Ok(vec![Figure::once("memory", peak_memory()?)])
}

fn get_stream(dir: &Path, bytes: u64) -> Result<Vec<Figure>> {
    let (store, _) = Ours::open(dir)?;
    let mut compare = Compare {
        expected: Noise::new(),
        bytes: 0,
    };
    store.download(STREAM, &mut compare)?;
    if compare.bytes != bytes {
        return Err(format!("{} of {bytes} bytes came back", compare.bytes).into());
    }
    store.close()?;
    Ok(vec![Figure::once("memory", peak_memory()?)])
}

/// What becomes of the blob with this number.
fn fate(number: usize) -> (bool, bool) {
    let overwritten = matches!(number % 4, 0 | 2);
    let deleted = matches!(number % 4, 1 | 2);
    (overwritten, deleted)
}

/// Puts `count` blobs, overwrites half of them, then deletes half: of those overwritten, and of the others.
fn churn(dir: &Path, layout: Layout, (count, body_bytes): (usize, usize)) -> Result<Vec<Figure>> {
    let store = Ours::create(dir, "ours", (Keys::Platform, layout))?;
    let name = |number: usize| format!("churn/{number:08}");
    let each = |wanted: fn(usize) -> bool, work: &(dyn Fn(usize) -> Result<()> + Sync)| {
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..THREADS)
                .map(|thread| {
                    let numbers = (thread..count).step_by(THREADS);
                    scope.spawn(move || numbers.filter(|number| wanted(*number)).try_for_each(work))
                })
                .collect();
            workers
                .into_iter()
                .try_for_each(|worker| worker.join().map_err(|_| "a thread panicked")?)
        })
    };
    each(|_| true, &|number| store.put(&name(number), &random(body_bytes)?))?;
    each(|number| fate(number).0, &|number| {
        store.put(&name(number), &random(body_bytes)?)
    })?;
    each(|number| fate(number).1, &|number| store.delete(&name(number)))?;
    store.settle()?;
    store.close()?;
    Ok(Vec::new())
}

/// Opens what [`churn`] left, settles it once more, and says how many bytes are alive.
fn settle(dir: &Path, (count, body_bytes): (usize, usize)) -> Result<Vec<Figure>> {
    let (store, _) = Ours::open(dir)?;
    store.settle()?;
    let kept = (0..count).filter(|number| !fate(*number).1).count();
    list_all(&store, kept)?;
    store.close()?;
    Ok(vec![Figure::once("live", (kept * body_bytes) as f64)])
}

/// The most memory this process has had resident, in MiB.
fn peak_memory() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: f64 = line
        .and_then(|line| line.split_whitespace().next())
        .ok_or("the system does not tell the peak of resident memory")?
        .parse()?;
    Ok(kib / 1024.0)
}

/// Bytes without end that do not compress, the same in every process.
struct Noise {
    block: Vec<u8>,
    position: usize,
}

impl Noise {
    fn new() -> Self {
        let words = (0..NOISE_WORDS).flat_map(|number| mix(0, number).to_le_bytes());
        Self {
            block: words.collect(),
            position: 0,
        }
    }
}

impl Read for Noise {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let rest = self.block.get(self.position..).unwrap_or_default();
        let count = rest.len().min(out.len());
        out[..count].copy_from_slice(&rest[..count]);
        self.position = (self.position + count) % self.block.len();
        Ok(count)
    }
}

/// Takes bytes and compares them with the noise that was stored.
struct Compare {
    expected: Noise,
    bytes: u64,
}

impl Write for Compare {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut expected = vec![0; bytes.len()];
        self.expected.read_exact(&mut expected)?;
        if expected != bytes {
            return Err(io::Error::other("other bytes came back than were put"));
        }
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The blob of the streams.
const STREAM: &str = "stream";
/// Bytes of one of many blobs.
const BODY_BYTES: usize = 64;
/// Folders that half of many blobs lie in: as many as a page has entries.
const GROUPS: usize = 5000;
/// Threads of a churn.
const THREADS: usize = 16;
/// Just above 1 MiB and prime, so that no chunk holds what the one before it held.
const NOISE_WORDS: usize = 131_101;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_churn_overwrites_half_and_deletes_half_of_both_halves() {
        let counted = |wanted: fn((bool, bool)) -> bool| (0..100).map(fate).filter(|f| wanted(*f)).count();
        assert_eq!(counted(|(overwritten, _)| overwritten), 50);
        assert_eq!(counted(|(_, deleted)| deleted), 50);
        assert_eq!(counted(|(overwritten, deleted)| overwritten && deleted), 25);
    }

    #[test]
    fn noise_repeats_itself_and_differing_bytes_are_noticed() -> Result<()> {
        let mut bytes = vec![0; 3_000_000];
        Noise::new().read_exact(&mut bytes)?;
        let mut compare = Compare {
            expected: Noise::new(),
            bytes: 0,
        };
        compare.write_all(&bytes)?;
        assert_eq!(compare.bytes, 3_000_000);
        assert!(compare.write_all(&bytes).is_err());
        Ok(())
    }
}
