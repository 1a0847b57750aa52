//! `storage blob download-batch` and `storage blob delete-batch`: many blobs, one call each.

use serde_json::Value;
use strongroom::{BlobItem, Container, DeleteBlobOptions, DownloadOptions, EncryptionChoice, ListBlobs};

use super::blob::{container, snapshots};
use super::blob_read::copy;
use super::conditions::of_blob;
use crate::args::blob::{DeleteBatch, DownloadBatch};
use crate::files::glob::Pattern;
use crate::files::sink::{Existing, below, make_parent, write_whole};
use crate::output::error::Failure;
use crate::session::Session;

/// Downloads the blobs of a container into a directory.
pub(super) fn download(session: &Session, args: &DownloadBatch) -> Result<Value, Failure> {
    let pattern = Pattern::parse(args.pattern.as_deref())?;
    let destination = std::fs::metadata(&args.destination)
        .map_err(|error| Failure::file(&args.destination, &error).hint("Create the directory first."))?;
    if !destination.is_dir() {
        return Err(Failure::no_directory(&args.destination));
    }
    let container = container(session, &args.account.account, &args.source)?;
    let blobs = matching(&container, &pattern)?;
    let bar = session.progress().bytes(
        "downloading",
        blobs.iter().map(|blob| blob.properties.length).sum(),
    );
    let existing = if args.overwrite.unwrap_or(false) {
        Existing::Replace
    } else {
        Existing::Refuse
    };
    for blob in blobs.iter().filter(|_| !args.dryrun) {
        let path = below(&args.destination, blob.name.as_str())?;
        make_parent(&path)?;
        let about = |error: Failure| error.about(&blob.name);
        let options = DownloadOptions {
            encryption: match blob.properties.encryption.customer_key_sha256 {
                Some(_) => args.key.choice()?,
                None => EncryptionChoice::Default,
            },
            ..DownloadOptions::default()
        };
        let mut content = container
            .open_blob(&blob.name, &options)
            .map_err(|error| about(error.into()))?;
        write_whole(&path, existing, |file| copy(&mut content, (&path, file), &bar)).map_err(about)?;
    }
    bar.finish_and_clear();
    Ok(blobs.iter().map(|blob| blob.name.as_str()).collect())
}

/// Deletes the blobs of a container; one that is gone already is no failure.
pub(super) fn delete(session: &Session, args: &DeleteBatch) -> Result<Value, Failure> {
    let pattern = Pattern::parse(args.pattern.as_deref())?;
    let container = container(session, &args.account.account, &args.source)?;
    let blobs = matching(&container, &pattern)?;
    if args.dryrun {
        return Ok(blobs.iter().map(|blob| blob.name.as_str()).collect());
    }
    let bar = session.progress().items("deleting", blobs.len() as u64);
    let options = DeleteBlobOptions {
        snapshots: snapshots(&args.snapshots),
        conditions: of_blob(&args.conditions)?,
        ..DeleteBlobOptions::default()
    };
    for blob in &blobs {
        match container.delete_blob(&blob.name, &options) {
            Err(error) if error.code() != "BlobNotFound" => {
                return Err(Failure::from(error).about(&blob.name));
            }
            _ => bar.inc(1),
        }
    }
    bar.finish_and_clear();
    Ok(Value::Null)
}

/// The blobs of a container whose names match.
pub(super) fn matching(container: &Container, pattern: &Pattern) -> Result<Vec<BlobItem>, Failure> {
    let mut found = Vec::new();
    let mut request = ListBlobs::default();
    loop {
        let page = container.list_blobs(&request)?;
        found.extend(
            page.blobs()
                .filter(|blob| pattern.matches(blob.name.as_str()))
                .cloned(),
        );
        request.marker = page.next;
        if request.marker.is_none() {
            return Ok(found);
        }
    }
}
