//! `storage blob ...`, one blob at a time.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use indicatif::ProgressBar;
use serde_json::{Map, Value, json};
use strongroom::{
    BlobName, ByteRange, Conditions, Container, ContainerName, ContentHeaders, Download, DownloadOptions,
    ETagMatch, ListBlobs, ListDetail, ListEntry, ListInclude, UploadOptions,
};

use super::container::metadata;
use super::paging::{Page, collect};
use super::{blob_batch, lease, shape, tag};
use crate::args::blob::{
    BlobCommand, BlobId, DeleteBlob, DownloadBlob, IfTag, InContainer, ListBlobs as ListArgs,
    MetadataCommand, UpdateMetadata, UploadBlob,
};
use crate::files::sink::{Existing, write_whole};
use crate::output::error::Failure;
use crate::progress::Metered;
use crate::session::Session;

/// Bytes copied at once from a blob to a file.
const COPY_BYTES: usize = 256 << 10;

/// Runs one command.
pub(super) fn run(session: &Session, command: &BlobCommand) -> Result<Value, Failure> {
    match command {
        BlobCommand::Delete(args) => delete(session, args),
        BlobCommand::DeleteBatch(args) => blob_batch::delete(session, args),
        BlobCommand::Download(args) => download(session, args),
        BlobCommand::DownloadBatch(args) => blob_batch::download(session, args),
        BlobCommand::Exists(id) => exists(session, id),
        BlobCommand::List(args) => list(session, args),
        BlobCommand::Metadata(MetadataCommand::Show(id)) => show_metadata(session, id),
        BlobCommand::Metadata(MetadataCommand::Update(args)) => update_metadata(session, args),
        BlobCommand::Filter(args) => tag::filter(session, args),
        BlobCommand::Lease(command) => lease::blob(session, command),
        BlobCommand::Tag(command) => tag::run(session, command),
        BlobCommand::Show(id) => show(session, id),
        BlobCommand::Upload(args) => upload(session, args),
        BlobCommand::UploadBatch(args) => blob_batch::upload(session, args),
        BlobCommand::Url(id) => url(session, id),
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
pub(super) fn write_conditions(overwrite: Option<bool>, tags: &IfTag) -> Result<Conditions, Failure> {
    let given = conditions(tags)?;
    if overwrite.unwrap_or(false) || tags.if_match.is_some() || tags.if_none_match.is_some() {
        return Ok(given);
    }
    Ok(Conditions::if_absent())
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
    let options = UploadOptions {
        headers: args
            .content_type
            .as_ref()
            .map(ContentHeaders::of_type)
            .unwrap_or_default(),
        metadata: metadata(&args.metadata)?,
        conditions: write_conditions(args.overwrite, &args.condition)?,
        ..UploadOptions::default()
    };
    let container = place(session, &args.place)?;
    let bar = session.progress().bytes(name.as_str(), meta.len());
    let receipt = upload_file(&container, (&name, &args.file), options, &bar)?;
    bar.finish_and_clear();
    Ok(shape::receipt(&receipt))
}

fn download(session: &Session, args: &DownloadBlob) -> Result<Value, Failure> {
    let (container, name) = blob(session, &args.blob)?;
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
            ..DownloadOptions::default()
        },
    )?;
    let bar = session.progress().bytes(name.as_str(), content.length());
    write_whole(&args.file, existing, |file| {
        copy(&mut content, (&args.file, file), &bar)
    })?;
    bar.finish_and_clear();
    Ok(shape::blob(container.name(), &name, content.properties()))
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

fn show(session: &Session, id: &BlobId) -> Result<Value, Failure> {
    let (container, name) = blob(session, id)?;
    let properties = container.blob_properties(&name, &Conditions::default())?;
    Ok(shape::blob(container.name(), &name, &properties))
}

fn exists(session: &Session, id: &BlobId) -> Result<Value, Failure> {
    let (container, name) = blob(session, id)?;
    Ok(json!({"exists": container.blob_exists(&name)?}))
}

fn delete(session: &Session, args: &DeleteBlob) -> Result<Value, Failure> {
    let (container, name) = blob(session, &args.blob)?;
    container.delete_blob(&name, &conditions(&args.condition)?)?;
    Ok(Value::Null)
}

fn show_metadata(session: &Session, id: &BlobId) -> Result<Value, Failure> {
    let (container, name) = blob(session, id)?;
    Ok(shape::metadata(
        &container.blob_metadata(&name, &Conditions::default())?,
    ))
}

fn update_metadata(session: &Session, args: &UpdateMetadata) -> Result<Value, Failure> {
    let (container, name) = blob(session, &args.blob)?;
    let receipt =
        container.set_blob_metadata(&name, &metadata(&args.metadata)?, &conditions(&args.condition)?)?;
    Ok(shape::receipt(&receipt))
}

fn url(session: &Session, id: &BlobId) -> Result<Value, Failure> {
    let (container, name) = blob(session, id)?;
    Ok(shape::blob_url(&id.place.account.account, container.name(), &name).into())
}

fn list(session: &Session, args: &ListArgs) -> Result<Value, Failure> {
    let (detail, include) = included(&args.include)?;
    let container = place(session, &args.place)?;
    let start = args.marker.as_deref().map(str::parse).transpose()?;
    let listed = collect(start, args.num_results, |marker, page_size| {
        let prefix = args.prefix.clone().unwrap_or_default();
        let request = ListBlobs {
            prefix,
            delimiter: args.delimiter.clone(),
            marker,
            page_size,
            detail,
            include,
        };
        let page = container.list_blobs(&request)?;
        let items = page
            .entries
            .iter()
            .map(|entry| list_entry(container.name(), entry))
            .collect();
        Ok(Page {
            items,
            next: page.next,
        })
    })?;
    Ok(listed.into_json(args.show_next_marker))
}

fn list_entry(container: &ContainerName, entry: &ListEntry) -> Value {
    match entry {
        ListEntry::Blob(item) => shape::blob(container, &item.name, &item.properties),
        ListEntry::Prefix(prefix) => {
            Map::from_iter([("name".to_owned(), Value::from(prefix.as_str()))]).into()
        }
        _ => Value::Null,
    }
}

/// Reads `--include`: letters, together or apart, or words. Copies and tags are shown without being asked
/// for.
fn included(texts: &[String]) -> Result<(ListDetail, ListInclude), Failure> {
    const WORDS: [&str; 7] = [
        "copy",
        "deleted",
        "metadata",
        "snapshots",
        "tags",
        "uncommittedblobs",
        "versions",
    ];
    let (mut detail, mut include) = (ListDetail::default(), ListInclude::default());
    for text in texts.iter().map(|text| text.trim().to_ascii_lowercase()) {
        let letters: Vec<char> = if WORDS.contains(&text.as_str()) {
            text.chars().take(1).collect()
        } else {
            text.chars().collect()
        };
        for letter in letters {
            match letter {
                'm' => detail = ListDetail::Metadata,
                's' => include.snapshots = true,
                'd' => include.deleted = true,
                'v' => include.versions = true,
                'u' => include.uncommitted = true,
                'c' | 't' => {}
                _ => {
                    let message = format!("--include: '{text}' is none of m, s, d, c, t, u, v");
                    let failure = Failure::usage("InvalidArgumentValueError", message);
                    return Err(failure.hint("For example: --include m"));
                }
            }
        }
    }
    Ok((detail, include))
}

fn conditions(tags: &IfTag) -> Result<Conditions, Failure> {
    let parse = |text: &Option<String>| text.as_deref().map(str::parse::<ETagMatch>).transpose();
    Ok(Conditions {
        if_match: parse(&tags.if_match)?,
        if_none_match: parse(&tags.if_none_match)?,
        ..Conditions::default()
    })
}

fn place(session: &Session, place: &InContainer) -> Result<Container, Failure> {
    container(session, &place.account.account, &place.container)
}

fn blob(session: &Session, id: &BlobId) -> Result<(Container, BlobName), Failure> {
    let name: BlobName = id.name.parse()?;
    Ok((place(session, &id.place)?, name))
}
