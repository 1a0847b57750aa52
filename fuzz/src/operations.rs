//! Operations on a store beside the same operations on a map: both always show the same blobs.
//!
//! Rotating the customer's key, revoking it and restoring it are operations like any other.

mod world;

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use strongroom::{BlobName, Conditions, Container, DownloadOptions, ErrorKind, ListBlobs, UploadOptions};

use world::World;

/// Operations of one run at most: enough for every pair of them, and quick.
const OPERATIONS_MAX: usize = 64;

/// Each four bytes of the input are an operation: what, on which blob, how long, and filled with what.
pub fn run(data: &[u8]) {
    static WORLD: LazyLock<Mutex<World>> = LazyLock::new(|| Mutex::new(World::new()));
    let mut world = WORLD.lock().unwrap_or_else(PoisonError::into_inner);
    let container = world.new_container();
    let mut run = Run {
        world: &mut world,
        container,
        model: BTreeMap::new(),
        revoked: false,
    };
    for operation in data.chunks_exact(4).take(OPERATIONS_MAX) {
        run.step(
            operation[0],
            name(operation[1]),
            usize::from(operation[2]) * 97,
            operation[3],
        );
    }
    run.finish();
}

/// Sequences that meet every operation, before and after a revocation.
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    let upload = [0, 1, 200, 7];
    let all: Vec<u8> = (0..=8).flat_map(|what| [what, 1, 50, what]).collect();
    vec![
        ("every-operation".to_owned(), all),
        (
            "rotate-and-read".to_owned(),
            [upload, [5, 0, 0, 0], [1, 1, 0, 0], [8, 0, 0, 0]].concat(),
        ),
        (
            "revoke-and-delete".to_owned(),
            [upload, [6, 0, 0, 0], [3, 1, 0, 0], [4, 0, 0, 0], [7, 0, 0, 0]].concat(),
        ),
        (
            "create-twice".to_owned(),
            [[8, 2, 1, 1], [8, 2, 2, 2], [1, 2, 0, 0]].concat(),
        ),
    ]
}

struct Run<'a> {
    world: &'a mut World,
    container: Container,
    model: BTreeMap<BlobName, Vec<u8>>,
    revoked: bool,
}

impl Run<'_> {
    fn step(&mut self, what: u8, name: BlobName, length: usize, fill: u8) {
        match what % 9 {
            0 => self.upload(name, vec![fill; length], Conditions::default()),
            1 => self.download(&name),
            2 => self.upload(name, vec![fill; length * 40], Conditions::default()),
            3 => self.delete(&name),
            4 => self.list(),
            5 => self.rotate(),
            6 => self.revoke(),
            7 => self.restore(),
            _ => self.upload(name, vec![fill; length], Conditions::if_absent()),
        }
    }

    fn upload(&mut self, name: BlobName, body: Vec<u8>, conditions: Conditions) {
        let exists = conditions != Conditions::default() && self.model.contains_key(&name);
        let options = UploadOptions {
            conditions,
            ..UploadOptions::default()
        };
        match self.container.upload(&name, body.as_slice(), options) {
            Ok(_) => {
                assert!(
                    !self.revoked && !exists,
                    "an upload that had to be refused was not"
                );
                self.model.insert(name, body);
            }
            Err(error) => assert!(self.refused(error.kind()) || exists, "upload: {error}"),
        }
    }

    fn download(&self, name: &BlobName) {
        let mut body = Vec::new();
        match self
            .container
            .download(name, &DownloadOptions::default(), &mut body)
        {
            Ok(_) => assert_eq!(
                (self.revoked, Some(&body)),
                (false, self.model.get(name)),
                "other bytes than stored"
            ),
            Err(error) => assert!(
                self.refused(error.kind()) || !self.model.contains_key(name),
                "download: {error}"
            ),
        }
    }

    /// Needs no key: goes on while access is revoked.
    fn delete(&mut self, name: &BlobName) {
        let deleted = self.container.delete_blob(name, &Conditions::default()).is_ok();
        assert_eq!(deleted, self.model.remove(name).is_some(), "delete");
    }

    /// Needs no key either.
    fn list(&self) {
        let page = self
            .container
            .list_blobs(&ListBlobs::default())
            .expect("a listing needs no key");
        let names: Vec<&BlobName> = page.blobs().map(|blob| &blob.name).collect();
        assert_eq!(names, self.model.keys().collect::<Vec<_>>(), "list");
    }

    fn rotate(&mut self) {
        let rotated = self.world.rotate();
        assert_eq!(rotated.is_ok(), !self.revoked, "rotate: {rotated:?}");
    }

    fn revoke(&mut self) {
        self.world.revoke();
        self.revoked = true;
    }

    fn restore(&mut self) {
        self.world.restore();
        self.revoked = false;
    }

    fn refused(&self, kind: ErrorKind) -> bool {
        self.revoked && kind == ErrorKind::KeyUnavailable
    }

    /// Whatever happened: after access is restored everything is there, and nothing else.
    fn finish(mut self) {
        self.restore();
        self.list();
        self.model.keys().for_each(|name| self.download(name));
        self.world.remove(&self.container);
    }
}

fn name(number: u8) -> BlobName {
    BlobName::parse(&format!("folder/{}", number % 8)).expect("a legal name")
}
