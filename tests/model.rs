//! Whatever happens to an account, in whatever order, it holds what a map in memory would hold: blobs come,
//! change and go, the key is rotated, revoked and restored, days pass, the store is closed and opened again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{ACCOUNT, KEY, NEEDED, VAULT, World, name, pinned};
use proptest::prelude::*;
use strongroom::{
    BlobName, Conditions, Container, DownloadOptions, ETag, Error, ListBlobs, ListDetail, Metadata,
    UploadOptions,
};

/// One thing that happens. Blobs are numbered.
#[derive(Clone, Debug)]
enum Op {
    Put(u8, usize),
    PutIfUnchanged(u8, usize),
    PutIfAbsent(u8, usize),
    Get(u8),
    Delete(u8),
    SetMetadata(u8, String),
    List(ListDetail),
    Rotate,
    Revoke,
    Restore,
    Wait(u64),
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    let length = || prop_oneof![0usize..2000, 60_000usize..140_000, Just(1 << 20)];
    prop_oneof![
        4 => (0u8..5, length()).prop_map(|(blob, length)| Op::Put(blob, length)),
        1 => (0u8..5, length()).prop_map(|(blob, length)| Op::PutIfUnchanged(blob, length)),
        1 => (0u8..5, length()).prop_map(|(blob, length)| Op::PutIfAbsent(blob, length)),
        4 => (0u8..5).prop_map(Op::Get),
        2 => (0u8..5).prop_map(Op::Delete),
        2 => (0u8..5, "[a-z]{0,9}").prop_map(|(blob, value)| Op::SetMetadata(blob, value)),
        1 => Just(Op::List(ListDetail::Properties)),
        1 => Just(Op::List(ListDetail::Metadata)),
        1 => Just(Op::Rotate),
        1 => Just(Op::Revoke),
        2 => Just(Op::Restore),
        1 => (0u64..200).prop_map(Op::Wait),
        1 => Just(Op::Reopen),
    ]
}

/// What an operation gave: an error's code, or what it told.
type Told = Result<String, String>;

#[derive(Default)]
struct Model {
    blobs: BTreeMap<u8, (Vec<u8>, String)>,
    revoked: bool,
    /// Makes every content another one.
    puts: u8,
}

impl Model {
    fn apply(&mut self, op: &Op) -> Told {
        let blocked = !matches!(
            op,
            Op::Delete(_)
                | Op::List(ListDetail::Properties)
                | Op::Revoke
                | Op::Restore
                | Op::Wait(_)
                | Op::Reopen
        );
        if self.revoked && blocked && !matches!(op, Op::Rotate) {
            return Err("KeyVaultEncryptionKeyNotFound".to_owned());
        }
        let missing = || "BlobNotFound".to_owned();
        match op {
            Op::PutIfAbsent(blob, _) if self.blobs.contains_key(blob) => {
                return Err("BlobAlreadyExists".to_owned());
            }
            Op::Put(blob, length) | Op::PutIfUnchanged(blob, length) | Op::PutIfAbsent(blob, length) => {
                self.puts = self.puts.wrapping_add(1);
                self.blobs
                    .insert(*blob, (content(self.puts, *length), String::new()));
            }
            Op::Get(blob) => {
                return self
                    .blobs
                    .get(blob)
                    .map(|blob| tell(&blob.0, &blob.1))
                    .ok_or_else(missing);
            }
            Op::Delete(blob) => return self.blobs.remove(blob).map(|_| String::new()).ok_or_else(missing),
            Op::SetMetadata(blob, value) => self.blobs.get_mut(blob).ok_or_else(missing)?.1.clone_from(value),
            Op::List(detail) => {
                let shown = |blob: &(Vec<u8>, String)| match detail {
                    ListDetail::Metadata => format!("{}{}", blob.0.len(), blob.1),
                    _ => blob.0.len().to_string(),
                };
                let entries = self
                    .blobs
                    .iter()
                    .map(|(blob, kept)| format!("{blob}={} ", shown(kept)));
                return Ok(entries.collect());
            }
            Op::Revoke => self.revoked = true,
            Op::Restore => self.revoked = false,
            Op::Rotate | Op::Wait(_) | Op::Reopen => {}
        }
        Ok(String::new())
    }
}

fn content(seed: u8, length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| (index * 7 + index / 4096) as u8 ^ seed)
        .collect()
}

fn tell(content: &[u8], metadata: &str) -> String {
    let sum = content.iter().fold(17u64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u64::from(*byte))
    });
    format!("{} bytes, sum {sum}, metadata {metadata:?}", content.len())
}

struct Real {
    world: World,
    puts: u8,
    revoked: bool,
    tags: BTreeMap<u8, ETag>,
}

impl Real {
    fn new() -> Self {
        let world = World::customer();
        let real = Self {
            world,
            puts: 0,
            revoked: false,
            tags: BTreeMap::new(),
        };
        real.container().create(&Metadata::new()).unwrap();
        real
    }

    fn container(&self) -> Container {
        let account = self.world.store.account(&name(ACCOUNT)).unwrap();
        account.container(&"model".parse().unwrap())
    }

    fn apply(&mut self, op: &Op) -> Told {
        self.run(op).map_err(|error| error.code().to_owned())
    }

    fn run(&mut self, op: &Op) -> Result<String, Error> {
        let always = Conditions::default();
        match op {
            Op::Put(blob, length) => self.put(*blob, *length, always)?,
            Op::PutIfUnchanged(blob, length) => {
                let unchanged = self
                    .tags
                    .get(blob)
                    .map_or_else(Conditions::if_absent, |tag| Conditions::if_match(*tag));
                self.put(*blob, *length, unchanged)?;
            }
            Op::PutIfAbsent(blob, length) => self.put(*blob, *length, Conditions::if_absent())?,
            Op::Get(blob) => return self.get(&numbered(*blob)),
            Op::Delete(blob) => {
                self.container().delete_blob(&numbered(*blob), &always)?;
                self.tags.remove(blob);
            }
            Op::SetMetadata(blob, value) => {
                let mut metadata = Metadata::new();
                metadata.insert("value", value)?;
                let receipt = self
                    .container()
                    .set_blob_metadata(&numbered(*blob), &metadata, &always)?;
                assert!(Some(receipt.etag) > self.tags.insert(*blob, receipt.etag));
            }
            Op::List(detail) => return self.list(*detail),
            Op::Rotate if self.revoked => {}
            Op::Rotate => {
                let key = self.world.make_key(VAULT, KEY);
                self.world.account().use_customer_key(&pinned(&key))?;
            }
            Op::Revoke => {
                self.world.revoke(VAULT, self.world.principal());
                self.revoked = true;
            }
            Op::Restore => {
                self.world.grant(VAULT, self.world.principal(), &NEEDED);
                self.revoked = false;
            }
            Op::Wait(days) => self.world.clock.advance(Duration::from_secs(days * 86_400)),
            Op::Reopen => self.world.reopen(),
        }
        Ok(String::new())
    }

    fn put(&mut self, blob: u8, length: usize, conditions: Conditions) -> Result<(), Error> {
        let content = content(self.puts.wrapping_add(1), length);
        let options = UploadOptions {
            conditions,
            ..UploadOptions::default()
        };
        let receipt = self
            .container()
            .upload(&numbered(blob), content.as_slice(), options)?;
        assert!(Some(receipt.etag) > self.tags.insert(blob, receipt.etag));
        self.puts = self.puts.wrapping_add(1);
        Ok(())
    }

    fn get(&self, blob: &BlobName) -> Result<String, Error> {
        let mut out = Vec::new();
        let properties = self
            .container()
            .download(blob, &DownloadOptions::default(), &mut out)?;
        assert_eq!(properties.length, out.len() as u64);
        let metadata = properties.metadata.unwrap();
        Ok(tell(&out, metadata.get("value").unwrap_or_default()))
    }

    fn list(&self, detail: ListDetail) -> Result<String, Error> {
        let page = self.container().list_blobs(&ListBlobs {
            detail,
            ..ListBlobs::default()
        })?;
        let entries = page.blobs().map(|item| {
            let metadata = item.properties.metadata.clone().unwrap_or_default();
            let number = &item.name.as_str()[5..];
            format!(
                "{number}={}{} ",
                item.properties.length,
                metadata.get("value").unwrap_or_default()
            )
        });
        Ok(entries.collect())
    }
}

fn numbered(blob: u8) -> BlobName {
    format!("blob/{blob}").parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 64, ..ProptestConfig::default() })]

    #[test]
    fn an_account_holds_what_a_map_would_hold(ops in prop::collection::vec(op(), 1..40)) {
        let (mut real, mut model) = (Real::new(), Model::default());
        for op in ops.iter().chain(&[Op::Restore, Op::Reopen, Op::List(ListDetail::Metadata)]) {
            prop_assert_eq!(real.apply(op), model.apply(op), "{:?}", op);
        }
        for blob in 0..5 {
            let op = Op::Get(blob);
            prop_assert_eq!(real.apply(&op), model.apply(&op), "{:?}", op);
        }
    }
}
