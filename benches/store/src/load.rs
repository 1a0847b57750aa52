//! What is done to a store in one round, and how fast it was.

use std::str::FromStr;
use std::thread;
use std::time::Instant;

use crate::{Result, Store};

/// One workload. As text it is `kind:body_bytes:count:threads:names`, which a worker process is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// What is done.
    pub kind: Kind,
    /// Bytes of one body.
    pub body_bytes: usize,
    /// Operations in a round, all threads together.
    pub count: usize,
    /// How many threads share the work.
    pub threads: usize,
    /// The order in which names arrive.
    pub names: Names,
}

/// What is done to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Durable puts of new bodies.
    Put,
    /// Gets of bodies that were put before and have been read once.
    Get,
    /// Reads of [`READ_BYTES`] at random places inside one body.
    Read,
}

/// The order in which names arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Ascending, as timestamps or counters do.
    Sequential,
    /// Without order, as hashes do.
    Random,
}

/// Bytes of one read of [`Kind::Read`].
pub const READ_BYTES: usize = 64 * 1024;

impl Load {
    /// Puts what later rounds read, and reads it once, comparing every byte.
    ///
    /// # Errors
    /// Whatever went wrong, and bytes that differ.
    pub fn prepare(&self, store: &dyn Store) -> Result<()> {
        let bodies = match self.kind {
            Kind::Put => return Ok(()),
            Kind::Get => self.count,
            Kind::Read => 1,
        };
        let (mut body, mut read) = (random(self.body_bytes)?, Vec::new());
        for number in 0..bodies {
            stamp(&mut body, number);
            store.put(&self.body_name(0, number), &body)?;
            store.get(&self.body_name(0, number), &mut read)?;
            if read != body {
                return Err(format!("{} returned other bytes than were put", store.name()).into());
            }
        }
        Ok(())
    }

    /// Does the work once. Returns [`unit`](Self::unit) per second.
    ///
    /// # Errors
    /// Whatever went wrong.
    pub fn round(&self, store: &dyn Store, round: usize) -> Result<f64> {
        let body = random(self.body_bytes)?;
        let share = self.count.div_ceil(self.threads);
        let begun = Instant::now();
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.threads)
                .map(|thread| {
                    let body = &body;
                    scope.spawn(move || self.work(store, round, body, thread * share..(thread + 1) * share))
                })
                .collect();
            workers
                .into_iter()
                .try_for_each(|worker| worker.join().map_err(|_| "a thread panicked")?)
        })?;
        Ok(self.amount() / begun.elapsed().as_secs_f64())
    }

    /// What is counted: megabytes (10^6) of large bodies, operations on small ones.
    pub fn unit(&self) -> &'static str {
        if self.counts_bytes() { "MB/s" } else { "1/s" }
    }

    fn counts_bytes(&self) -> bool {
        self.body_bytes >= READ_BYTES
    }

    fn amount(&self) -> f64 {
        let bytes = if self.kind == Kind::Read {
            READ_BYTES
        } else {
            self.body_bytes
        };
        if self.counts_bytes() {
            (self.count * bytes) as f64 / 1e6
        } else {
            self.count as f64
        }
    }

    fn work(
        &self,
        store: &dyn Store,
        round: usize,
        body: &[u8],
        numbers: std::ops::Range<usize>,
    ) -> Result<()> {
        match self.kind {
            Kind::Put => {
                let mut body = body.to_vec();
                numbers.into_iter().try_for_each(|number| {
                    stamp(&mut body, number);
                    store.put(&self.body_name(round + 1, number), &body)
                })
            }
            Kind::Get => {
                let mut out = Vec::with_capacity(self.body_bytes);
                numbers
                    .into_iter()
                    .try_for_each(|number| store.get(&self.body_name(0, number), &mut out))
            }
            Kind::Read => {
                let places = self.body_bytes.saturating_sub(READ_BYTES).max(1);
                let offsets: Vec<u64> = numbers.map(|number| mix(round, number) % places as u64).collect();
                store.read(
                    &self.body_name(0, 0),
                    &offsets,
                    &mut vec![0; READ_BYTES.min(self.body_bytes)],
                )
            }
        }
    }

    fn body_name(&self, round: usize, number: usize) -> String {
        match self.names {
            Names::Sequential => format!("bench/{round:04}/{number:08}"),
            Names::Random => format!("bench/{:016x}", mix(round, number)),
        }
    }
}

/// Makes each body differ from the one before it, so that nothing is stored only once.
fn stamp(body: &mut [u8], number: usize) {
    for (byte, mark) in body.iter_mut().zip(number.to_le_bytes()) {
        *byte = mark;
    }
}

/// Bytes that do not compress.
///
/// # Errors
/// When there is no randomness.
pub fn random(bytes: usize) -> Result<Vec<u8>> {
    let mut body = vec![0; bytes];
    getrandom::fill(&mut body)?;
    Ok(body)
}

/// A well-mixed number for each pair, without repeats within a round (the finalizer of `SplitMix64`).
pub(crate) fn mix(round: usize, number: usize) -> u64 {
    let mut z = ((round as u64) << 40 | number as u64)
        .wrapping_add(1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl std::fmt::Display for Load {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            Kind::Put => "put",
            Kind::Get => "get",
            Kind::Read => "read",
        };
        let names = match self.names {
            Names::Sequential => "sequential",
            Names::Random => "random",
        };
        write!(
            f,
            "{kind}:{}:{}:{}:{names}",
            self.body_bytes, self.count, self.threads
        )
    }
}

impl FromStr for Load {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    fn from_str(text: &str) -> Result<Self> {
        let fields: Vec<&str> = text.split(':').collect();
        let [kind, body_bytes, count, threads, names] = fields[..] else {
            return Err(format!("{text}: must be kind:body_bytes:count:threads:names").into());
        };
        let kind = match kind {
            "put" => Kind::Put,
            "get" => Kind::Get,
            "read" => Kind::Read,
            _ => return Err(format!("{kind}: must be put, get or read").into()),
        };
        let names = if names == "random" {
            Names::Random
        } else {
            Names::Sequential
        };
        Ok(Self {
            kind,
            body_bytes: body_bytes.parse()?,
            count: count.parse()?,
            threads: threads.parse()?,
            names,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_survives_being_written_as_text() -> Result<()> {
        for kind in [Kind::Put, Kind::Get, Kind::Read] {
            for names in [Names::Sequential, Names::Random] {
                let load = Load {
                    kind,
                    body_bytes: 4096,
                    count: 10,
                    threads: 2,
                    names,
                };
                assert_eq!(load.to_string().parse::<Load>()?, load);
            }
        }
        assert!("put:1".parse::<Load>().is_err());
        Ok(())
    }
}
