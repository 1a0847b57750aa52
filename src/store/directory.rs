//! The directory of a store or of vaults: what lies in it, making it ready, and refusing what is somebody
//! else's or has lost a part.

use std::fs;
use std::path::Path;

use strongroom_engine::chunks::{ChunkStore, FileChunks};
use strongroom_engine::engine::{Engine, EngineKind, Space};
use strongroom_engine::keys::ScopeId;

use super::files;
use super::header::{Header, Role, refuse_file};
use super::lock::DirectoryLock;
use super::open::Placement;
use crate::error::{Error, ErrorKind, Result};

pub(super) const ENGINE: &str = "engine";
pub(super) const SIDE_FILES: &str = "keys";
pub(super) const BODIES: &str = "bodies";
const LOCK: &str = super::lock::NAME;
/// Marks a directory whose making was interrupted; goes when the header has come.
pub(super) const UNFINISHED: &str = "unfinished";
/// The note of the commit that was acknowledged last.
pub(super) const LAST_COMMIT: &str = "last-commit";

/// Whether the store's own tree is made or must be there.
#[derive(Clone, Copy)]
pub(super) enum Tree {
    Create,
    Open,
}

/// The bodies' own files, if the store keeps them so.
pub(super) fn file_chunks(directory: &Path, placement: Placement) -> Result<Option<Box<dyn ChunkStore>>> {
    if placement == Placement::Engine {
        return Ok(None);
    }
    let bodies = directory.join(BODIES);
    create_directory(&bodies)?;
    let chunks = FileChunks::open(bodies.clone()).map_err(|error| Error::engine_unopened(&bodies, error))?;
    Ok(Some(Box::new(chunks)))
}

/// Refuses a store whose directory of bodies was lost. It is durable before the header, and never removed.
pub(super) fn refuse_missing_bodies(directory: &Path, placement: Placement) -> Result<()> {
    let bodies = directory.join(BODIES);
    if placement == Placement::Engine || bodies.is_dir() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Corrupt,
        "BodiesMissing",
        500,
        format!(
            "{} is missing, where the content of this store's blobs is",
            bodies.display()
        ),
    )
    .hint("put the directory back, or restore the whole store from a backup; nothing was changed"))
}

/// The engine in `directory`: of the wanted kind where it is made, and of the kind it has where it is there.
pub(super) fn directory_engine(
    directory: &Path,
    cache_bytes: u64,
    (tree, wanted): (Tree, EngineKind),
) -> Result<Box<dyn Engine>> {
    if matches!(tree, Tree::Open) && !directory.is_dir() {
        return Err(engine_missing(directory, "is missing"));
    }
    let unopened = |error| Error::engine_unopened(directory, error);
    let kind = match tree {
        Tree::Create => wanted,
        Tree::Open => match EngineKind::of(directory).map_err(unopened)? {
            Some(kind) => kind,
            // An empty directory would become an empty engine, as when a volume is not mounted.
            None if is_empty(directory) => return Err(engine_missing(directory, "is empty")),
            // The default one refuses, and says why.
            None => EngineKind::default(),
        },
    };
    kind.open(directory, cache_bytes).map_err(unopened)
}

fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_none())
}

fn engine_missing(directory: &Path, what: &str) -> Error {
    let message = format!("{} {what}", directory.display());
    Error::new(ErrorKind::Corrupt, "EngineMissing", 500, message)
        .hint("part of the directory was lost: put it back, or restore a backup; nothing was changed")
}

/// Refuses an engine that does not hold the store: opening it would take the store's bodies for those of
/// trees that are gone, and delete them.
pub(super) fn refuse_foreign_engine(directory: &Path, engine: &dyn Engine, id: ScopeId) -> Result<()> {
    let head = engine.get(Space::HEADS, &id.0);
    match head.map_err(|error| Error::engine_unopened(directory, error))? {
        Some(_) => Ok(()),
        None => Err(engine_missing(directory, "is not the engine of this store")),
    }
}

/// Makes `directory` ready for a new store or new vaults, or refuses; the marker stays until [`finish`].
pub(super) fn prepare(directory: &Path, role: Role) -> Result<DirectoryLock> {
    refuse_file(directory)?;
    create_directory(directory)?;
    let (marker, engine) = (directory.join(UNFINISHED), directory.join(ENGINE));
    let other = match role {
        Role::Store => Role::Vaults,
        Role::Vaults => Role::Store,
    };
    let is_new = !marker.exists() && !engine.exists() && !Header::path(directory, role).exists();
    if is_new || Header::path(directory, other).exists() {
        refuse_foreign(directory)?;
    }
    let lock = DirectoryLock::acquire(directory)?;
    if Header::path(directory, role).exists() {
        return Err(Error::new(
            ErrorKind::AlreadyExists,
            "AlreadyInitialised",
            409,
            format!("{} is a {} already", directory.display(), role.what()),
        )
        .hint("open it, or name another directory"));
    }
    // Of a store that was here: what is restored may be of the same trees, and of an earlier commit.
    let note = directory.join(LAST_COMMIT);
    removed(fs::remove_file(&note), &note)?;
    if marker.exists() {
        // Made by an attempt that never got its header: nothing in it can be opened by anybody.
        for part in [engine, directory.join(BODIES)] {
            removed(fs::remove_dir_all(&part), &part)?;
        }
    } else if engine.exists() {
        return Err(Error::new(
            ErrorKind::Store,
            "HeaderMissing",
            409,
            format!("{} holds an engine without its header", directory.display()),
        )
        .hint(format!(
            "restore {} from a backup, or name another directory",
            role.file_name()
        )));
    }
    files::replace(&marker, b"")
        .map_err(|error| Error::io(format!("cannot write {}", marker.display()), error))?;
    Ok(lock)
}

/// Passes on that something could not be removed, unless it was not there.
fn removed(result: std::io::Result<()>, part: &Path) -> Result<()> {
    match result {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io(format!("cannot remove {}", part.display()), error))
        }
        _ => Ok(()),
    }
}

/// Removes the marker once the header is there.
pub(super) fn finish(directory: &Path) -> Result<()> {
    let marker = directory.join(UNFINISHED);
    if marker.exists() {
        files::destroy(&marker)
            .map_err(|error| Error::io(format!("cannot remove {}", marker.display()), error))?;
    }
    Ok(())
}

/// Refuses a directory that is somebody else's: files that look like leftovers of ours are destroyed at open.
fn refuse_foreign(directory: &Path) -> Result<()> {
    let unread = |error| Error::io(format!("cannot read {}", directory.display()), error);
    for entry in fs::read_dir(directory).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        if !is_own(&path) {
            return Err(Error::new(
                ErrorKind::Store,
                "DirectoryNotEmpty",
                409,
                format!("{} holds other files: {}", directory.display(), path.display()),
            )
            .hint("name an empty directory, or one that does not exist yet"));
        }
    }
    Ok(())
}

/// What may be there before a store or vaults are made: the lock and the half-written marker of an attempt
/// that failed, the other of store and vaults, key files, and what file systems put there by themselves.
fn is_own(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let known = [LOCK, LAST_COMMIT, "vaults", "lost+found"].contains(&name.as_ref());
    let unfinished = name.strip_suffix(".new") == Some(UNFINISHED);
    let other = [Role::Vaults, Role::Store].map(|role| Header::path(path, role));
    known || unfinished || name.ends_with(".key") || other.iter().any(|header| header.exists())
}

pub(super) fn create_directory(directory: &Path) -> Result<()> {
    files::create_directories(directory)
        .map_err(|error| Error::io(format!("cannot create {}", directory.display()), error))
}
