//! `storage blob ...`, one blob at a time.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use indicatif::ProgressBar;
use serde_json::{Value, json};
use strongroom::{
    BlobName, BlobVersionRef, ByteRange, Conditions, Container, ContainerName, ContentHeaders,
    DeleteBlobOptions, DeleteSnapshots, Download, DownloadOptions, ReadOptions, UploadOptions,
};

use super::conditions::{of_blob, state};
use super::container::metadata;
use super::tag::tags;
use super::{
    blob_append, blob_batch, blob_copy, blob_list, blob_page, blob_state, lease, service, shape, tag,
};
use crate::args::blob::{
    BlobAddress, BlobCommand, BlobId, BlobState, DeleteBlob, DownloadBlob, InContainer, MetadataCommand,
    SnapshotsToDelete, UpdateMetadata, UploadBlob, UploadType, WhichSnapshots,
};
use crate::args::conditions::BlobConditions;
use crate::args::content::ContentArgs;
use crate::files::sink::{Existing, write_whole};
use crate::output::error::Failure;
use crate::progress::Metered;
use crate::session::Session;

/// Bytes copied at once from a blob to a file.
const COPY_BYTES: usize = 256 << 10;

/// Runs one command.
pub(super) fn run(session: &Session, command: &BlobCommand) -> Result<Value, Failure> {
    match command {
        BlobCommand::Copy(command) => blob_copy::run(session, command),
        BlobCommand::Delete(args) => delete(session, args),
        BlobCommand::DeleteBatch(args) => blob_batch::delete(session, args),
        BlobCommand::Download(args) => download(session, args),
        BlobCommand::DownloadBatch(args) => blob_batch::download(session, args),
        BlobCommand::Exists(address) => exists(session, address),
        BlobCommand::List(args) => blob_list::run(session, args),
        BlobCommand::Metadata(MetadataCommand::Show(state)) => show_metadata(session, state),
        BlobCommand::Metadata(MetadataCommand::Update(args)) => update_metadata(session, args),
        BlobCommand::Filter(args) => tag::filter(session, args),
        BlobCommand::IncrementalCopy(command) => blob_copy::incremental(session, command),
        BlobCommand::ImmutabilityPolicy(command) => blob_state::immutability(session, command),
        BlobCommand::Lease(command) => lease::blob(session, command),
        BlobCommand::ServiceProperties(command) => service::run(session, command),
        BlobCommand::SetExpiry(args) => blob_state::set_expiry(session, args),
        BlobCommand::SetLegalHold(args) => blob_state::set_legal_hold(session, args),
        BlobCommand::SetTier(args) => blob_state::set_tier(session, args),
        BlobCommand::Show(state) => show(session, state),
        BlobCommand::Snapshot(args) => blob_state::snapshot(session, args),
        BlobCommand::Tag(command) => tag::run(session, command),
        BlobCommand::Undelete(id) => blob_state::undelete(session, id),
        BlobCommand::Update(args) => blob_state::update(session, args),
        BlobCommand::Upload(args) => upload(session, args),
        BlobCommand::UploadBatch(args) => blob_batch::upload(session, args),
        BlobCommand::Url(address) => url(session, address),
    }
}

/// Uploads a file under a bar, and returns what the library says of the new blob.
pub(super) fn upload_file(
    container: &Container,
    (name, path): (&BlobName, &Path),
    options: UploadOptions,
    bar: &ProgressBar,
) -> Result<strongroom::BlobReceipt, Failure> {
    let file = File::open(path).map_err(|error| Failure::file(path, &error))?;
    Ok(container.upload(name, &mut Metered::new(file, bar), options)?)
}

/// What must hold of a blob that is there: unless told otherwise, that there is none.
pub(super) fn write_conditions(
    overwrite: Option<bool>,
    args: &BlobConditions,
) -> Result<Conditions, Failure> {
    let given = of_blob(args)?;
    let overwrites = overwrite.unwrap_or(false) || given != Conditions::default();
    Ok(if overwrites {
        given
    } else {
        Conditions::if_absent()
    })
}

/// The headers that are given, in place of those of `old`.
pub(super) fn headers(args: &ContentArgs, old: ContentHeaders) -> ContentHeaders {
    let ContentArgs {
        content_type,
        content_encoding,
        content_language,
        content_disposition,
        content_cache_control,
    } = args;
    ContentHeaders {
        content_type: content_type.clone().unwrap_or(old.content_type),
        content_encoding: content_encoding.clone().or(old.content_encoding),
        content_language: content_language.clone().or(old.content_language),
        content_disposition: content_disposition.clone().or(old.content_disposition),
        cache_control: content_cache_control.clone().or(old.cache_control),
    }
}

/// What happens to the snapshots of blobs that are deleted.
pub(super) fn snapshots(args: &SnapshotsToDelete) -> DeleteSnapshots {
    match args.delete_snapshots {
        None => DeleteSnapshots::None,
        Some(WhichSnapshots::Include) => DeleteSnapshots::Include,
        Some(WhichSnapshots::Only) => DeleteSnapshots::Only,
    }
}

/// A handle to a container.
pub(super) fn container(session: &Session, account: &str, name: &str) -> Result<Container, Failure> {
    let name: ContainerName = name.parse()?;
    Ok(session.account(account)?.container(&name))
}

fn upload(session: &Session, args: &UploadBlob) -> Result<Value, Failure> {
    let meta = std::fs::metadata(&args.file).map_err(|error| Failure::file(&args.file, &error))?;
    if meta.is_dir() {
        let message = format!("{} is a directory", args.file.display());
        return Err(Failure::usage("InvalidArgumentValueError", message)
            .hint("Use `strongroom storage blob upload-batch --source DIR` for a directory."));
    }
    let file_name = args
        .file
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let name: BlobName = args.name.as_deref().unwrap_or(&file_name).parse()?;
    if args.blob_type == Some(UploadType::Append) {
        return blob_append::run(session, args, &name);
    }
    if args.blob_type == Some(UploadType::Page) && args.maxsize_condition.is_none() {
        return blob_page::run(session, args, &name);
    }
    if args.maxsize_condition.is_some() {
        let message = "--maxsize-condition: only an append blob has it";
        return Err(Failure::usage("InvalidArgumentValueError", message).hint("Add --type append."));
    }
    let options = UploadOptions {
        headers: headers(&args.content, ContentHeaders::default()),
        metadata: metadata(&args.metadata)?,
        conditions: write_conditions(args.overwrite, &args.conditions)?,
        content_md5: args
            .content_md5
            .as_deref()
            .map(str::parse)
            .transpose()?
            .unwrap_or_default(),
        tags: tags(&args.tags)?,
        tier: args.tier,
        encryption: args.encryption.choice()?,
        ..UploadOptions::default()
    };
    let container = place(session, &args.place)?;
    let bar = session.progress().bytes(name.as_str(), meta.len());
    let receipt = upload_file(&container, (&name, &args.file), options, &bar)?;
    bar.finish_and_clear();
    Ok(shape::receipt(&receipt))
}

fn download(session: &Session, args: &DownloadBlob) -> Result<Value, Failure> {
    let (container, name) = blob(session, &args.state.blob)?;
    let range = match (args.start_range, args.end_range) {
        (None, None) => ByteRange::all(),
        (Some(start), None) => ByteRange::from(start),
        (Some(start), Some(end)) => ByteRange::inclusive(start, end)?,
        (None, Some(_)) => {
            return Err(
                Failure::usage("RequiredArgumentMissingError", "--end-range needs --start-range")
                    .hint("Add --start-range 0 for the first bytes of the blob."),
            );
        }
    };
    let existing = if args.overwrite.unwrap_or(true) {
        Existing::Replace
    } else {
        Existing::Refuse
    };
    let mut content = container.open_blob(
        &name,
        &DownloadOptions {
            range,
            which: state(&args.state.which),
            conditions: of_blob(&args.state.conditions)?,
            ..DownloadOptions::default()
        },
    )?;
    let bar = session.progress().bytes(name.as_str(), content.length());
    write_whole(&args.file, existing, |file| {
        copy(&mut content, (&args.file, file), &bar)
    })?;
    bar.finish_and_clear();
    let shown = shape::blob((container.name(), &name), content.properties());
    Ok(shape::as_state(shown, state(&args.state.which), None))
}

/// Copies a blob into a file; tells a failure of the store from one of the file.
pub(super) fn copy(
    content: &mut Download,
    (path, file): (&Path, &mut File),
    bar: &ProgressBar,
) -> Result<(), Failure> {
    let mut buffer = vec![0; COPY_BYTES];
    loop {
        let count =
            content
                .read(&mut buffer)
                .map_err(|error| match error.downcast::<strongroom::Error>() {
                    Ok(error) => Failure::from(error),
                    Err(error) => Failure::io("reading the blob", &error),
                })?;
        let bytes = buffer.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(());
        }
        file.write_all(bytes)
            .map_err(|error| Failure::file(path, &error))?;
        bar.inc(count as u64);
    }
}

fn show(session: &Session, args: &BlobState) -> Result<Value, Failure> {
    let (container, name) = blob(session, &args.blob)?;
    let properties = container.blob_properties(&name, read_options(args)?)?;
    let which = state(&args.which);
    let is_current = which.version().map(|id| {
        let current = container.blob_properties(&name, BlobVersionRef::Base);
        current.is_ok_and(|current| current.version_id == Some(id))
    });
    let shown = shape::blob((container.name(), &name), &properties);
    Ok(shape::as_state(shown, which, is_current))
}

fn exists(session: &Session, args: &BlobAddress) -> Result<Value, Failure> {
    let (container, name) = blob(session, &args.blob)?;
    match container.blob_properties(&name, state(&args.which)) {
        Ok(_) => Ok(json!({"exists": true})),
        // As in `az`, in a container that is missing too.
        Err(error) if error.status() == 404 => Ok(json!({"exists": false})),
        Err(error) => Err(error.into()),
    }
}

fn delete(session: &Session, args: &DeleteBlob) -> Result<Value, Failure> {
    let (container, name) = blob(session, &args.state.blob)?;
    let options = DeleteBlobOptions {
        which: state(&args.state.which),
        snapshots: snapshots(&args.snapshots),
        conditions: of_blob(&args.state.conditions)?,
        ..DeleteBlobOptions::default()
    };
    container.delete_blob(&name, options)?;
    Ok(Value::Null)
}

fn show_metadata(session: &Session, args: &BlobState) -> Result<Value, Failure> {
    let (container, name) = blob(session, &args.blob)?;
    Ok(shape::metadata(
        &container.blob_metadata(&name, read_options(args)?)?,
    ))
}

fn update_metadata(session: &Session, args: &UpdateMetadata) -> Result<Value, Failure> {
    let (container, name) = blob(session, &args.blob)?;
    let receipt =
        container.set_blob_metadata(&name, &metadata(&args.metadata)?, &of_blob(&args.conditions)?)?;
    Ok(shape::receipt(&receipt))
}

fn url(session: &Session, args: &BlobAddress) -> Result<Value, Failure> {
    let (container, name) = blob(session, &args.blob)?;
    let url = shape::blob_url(&args.blob.place.account.account, container.name(), &name);
    Ok(match state(&args.which) {
        BlobVersionRef::Base => url,
        BlobVersionRef::Snapshot(time) => format!("{url}?snapshot={time}"),
        BlobVersionRef::Version(id) => format!("{url}?versionid={id}"),
    }
    .into())
}

/// Which state of a blob is read, and under which conditions.
pub(super) fn read_options(args: &BlobState) -> Result<ReadOptions, Failure> {
    Ok(ReadOptions {
        which: state(&args.which),
        conditions: of_blob(&args.conditions)?,
        ..ReadOptions::default()
    })
}

/// A handle to the container that is named.
pub(super) fn place(session: &Session, place: &InContainer) -> Result<Container, Failure> {
    container(session, &place.account.account, &place.container)
}

/// The container of a blob, and its name.
pub(super) fn blob(session: &Session, id: &BlobId) -> Result<(Container, BlobName), Failure> {
    let name: BlobName = id.name.parse()?;
    Ok((place(session, &id.place)?, name))
}
