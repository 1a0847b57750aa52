//! `storage blob upload-batch|download-batch|delete-batch`: many blobs, one call each.

use serde_json::{Value, json};
use strongroom::{
    BlobItem, BlobName, Container, ContentHeaders, DeleteBlobOptions, DownloadOptions, ListBlobs,
    UploadOptions,
};

use super::blob::{container, copy, headers, snapshots, upload_file, write_conditions};
use super::conditions::of_blob;
use super::container::metadata;
use super::shape;
use super::tag::tags;
use crate::args::blob::{DeleteBatch, DownloadBatch, UploadBatch};
use crate::files::find::{self, Found};
use crate::files::glob::Pattern;
use crate::files::sink::{Existing, below, make_parent, write_whole};
use crate::output::error::Failure;
use crate::session::Session;

/// Uploads the files of a directory.
pub(super) fn upload(session: &Session, args: &UploadBatch) -> Result<Value, Failure> {
    let pattern = Pattern::parse(args.pattern.as_deref())?;
    let mut files = find::below(&args.source)?.files;
    files.retain(|file| pattern.matches(&file.name));
    let container = container(session, &args.account.account, &args.destination)?;
    let bar = session
        .progress()
        .bytes("uploading", files.iter().map(|file| file.bytes).sum());
    let results = files
        .iter()
        .map(|file| upload_one(args, &container, file, &bar))
        .collect::<Result<_, _>>()?;
    bar.finish_and_clear();
    Ok(Value::Array(results))
}

fn upload_one(
    args: &UploadBatch,
    container: &Container,
    file: &Found,
    bar: &indicatif::ProgressBar,
) -> Result<Value, Failure> {
    let prefix = args
        .destination_path
        .as_deref()
        .map(|path| path.trim_matches('/'))
        .filter(|path| !path.is_empty());
    let name = prefix.map_or_else(|| file.name.clone(), |prefix| format!("{prefix}/{}", file.name));
    let name: BlobName = name.parse()?;
    let blob = shape::blob_url(&args.account.account, container.name(), &name);
    let headers = headers(&args.content, ContentHeaders::default());
    let content_type = headers.content_type.clone();
    if args.dryrun {
        return Ok(json!({"Blob": blob, "Last Modified": null, "Type": content_type, "eTag": null}));
    }
    let options = UploadOptions {
        headers,
        metadata: metadata(&args.metadata)?,
        conditions: write_conditions(args.overwrite, &args.conditions)?,
        tags: tags(&args.tags)?,
        tier: args.tier,
        encryption: args.encryption.choice()?,
        ..UploadOptions::default()
    };
    let receipt =
        upload_file(container, (&name, &file.path), options, bar).map_err(|error| error.about(&name))?;
    Ok(json!({
        "Blob": blob,
        "Last Modified": shape::time(receipt.last_modified),
        "Type": content_type,
        "eTag": receipt.etag.to_string(),
    }))
}

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
        let options = DownloadOptions::default();
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
