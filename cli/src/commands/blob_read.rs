//! `storage blob download|show|exists|metadata show`: what is read of one blob.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use indicatif::ProgressBar;
use serde_json::{Value, json};
use strongroom::{BlobType, ByteRange, Download, DownloadOptions, EncryptionChoice, ReadOptions};

use super::blob::blob;
use super::conditions::{of_blob, state};
use super::{blob_page, shape};
use crate::args::blob::{BlobAddress, BlobState, DownloadBlob, ReadBlob};
use crate::files::sink::{Existing, write_whole};
use crate::output::error::Failure;
use crate::output::written;
use crate::session::Session;

/// Bytes copied at once from a blob to a file.
const COPY_BYTES: usize = 256 << 10;
/// Names standard output in place of a file.
const STDOUT: &str = "-";

/// Downloads a blob to a file, or to standard output, which then has nothing but the content.
pub(super) fn download(session: &Session, args: &DownloadBlob) -> Result<Value, Failure> {
    let read = &args.read.state;
    let (container, name) = blob(session, &read.blob)?;
    let options = DownloadOptions {
        range: range(args)?,
        which: state(&read.which),
        conditions: of_blob(&read.conditions)?,
        encryption: args.read.key.choice()?,
        ..DownloadOptions::default()
    };
    let mut content = container.open_blob(&name, &options)?;
    let bar = session.progress().bytes(name.as_str(), content.length());
    let Some(file) = args.file.as_deref().filter(|file| *file != Path::new(STDOUT)) else {
        to_standard_output(&mut content, &bar)?;
        bar.finish_and_clear();
        return Ok(Value::Null);
    };
    let existing = if args.overwrite.unwrap_or(true) {
        Existing::Replace
    } else {
        Existing::Refuse
    };
    write_whole(file, existing, |out| copy(&mut content, (file, out), &bar))?;
    bar.finish_and_clear();
    let shown = shape::blob((container.name(), &name), content.properties());
    Ok(shape::as_state(shown, options.which, None))
}

/// Copies a blob into a file; tells a failure of the store from one of the file.
pub(super) fn copy(
    content: &mut Download,
    (path, file): (&Path, &mut File),
    bar: &ProgressBar,
) -> Result<(), Failure> {
    let mut buffer = vec![0; COPY_BYTES];
    loop {
        let bytes = next(content, &mut buffer)?;
        if bytes.is_empty() {
            return Ok(());
        }
        file.write_all(bytes)
            .map_err(|error| Failure::file(path, &error))?;
        bar.inc(bytes.len() as u64);
    }
}

/// Shows the properties and metadata of a blob, and which of its pages hold data.
pub(super) fn show(session: &Session, args: &ReadBlob) -> Result<Value, Failure> {
    let (container, name) = blob(session, &args.state.blob)?;
    let properties = container.blob_properties(&name, options(&args.state, args.key.choice()?)?)?;
    let which = state(&args.state.which);
    // A current version that another key opens is not the one that has been read.
    let base = ReadOptions {
        encryption: args.key.choice()?,
        ..ReadOptions::default()
    };
    let is_current = which.version().map(|id| {
        let current = container.blob_properties(&name, base);
        current.is_ok_and(|current| current.version_id == Some(id))
    });
    let mut shown = shape::blob((container.name(), &name), &properties);
    if properties.blob_type == BlobType::PageBlob {
        shape::with_page_ranges(&mut shown, blob_page::ranges(&container, &name, which)?);
    }
    Ok(shape::as_state(shown, which, is_current))
}

/// Tells whether a blob exists.
pub(super) fn exists(session: &Session, args: &BlobAddress) -> Result<Value, Failure> {
    let (container, name) = blob(session, &args.blob)?;
    match container.blob_properties(&name, state(&args.which)) {
        Ok(_) => Ok(json!({"exists": true})),
        // As in `az`, in a container that is missing too.
        Err(error) if error.status() == 404 => Ok(json!({"exists": false})),
        // As in `az`: what is under a key of somebody exists, whoever asks.
        Err(error) if error.code() == "BlobUsesCustomerSpecifiedEncryption" => Ok(json!({"exists": true})),
        Err(error) => Err(error.into()),
    }
}

/// Shows the user metadata of a blob.
pub(super) fn metadata(session: &Session, args: &ReadBlob) -> Result<Value, Failure> {
    let (container, name) = blob(session, &args.state.blob)?;
    Ok(shape::metadata(&container.blob_metadata(
        &name,
        options(&args.state, args.key.choice()?)?,
    )?))
}

/// Which state of a blob is read, under which conditions and key.
pub(super) fn options(args: &BlobState, encryption: EncryptionChoice) -> Result<ReadOptions, Failure> {
    Ok(ReadOptions {
        which: state(&args.which),
        conditions: of_blob(&args.conditions)?,
        encryption,
    })
}

fn range(args: &DownloadBlob) -> Result<ByteRange, Failure> {
    match (args.start_range, args.end_range) {
        (None, None) => Ok(ByteRange::all()),
        (Some(start), None) => Ok(ByteRange::from(start)),
        (Some(start), Some(end)) => Ok(ByteRange::inclusive(start, end)?),
        (None, Some(_)) => Err(Failure::usage(
            "RequiredArgumentMissingError",
            "--end-range needs --start-range",
        )
        .hint("Add --start-range 0 for the first bytes of the blob.")),
    }
}

/// Copies a blob to standard output; a reader that went away has had enough.
fn to_standard_output(content: &mut Download, bar: &ProgressBar) -> Result<(), Failure> {
    let mut buffer = vec![0; COPY_BYTES];
    let mut out = io::stdout().lock();
    loop {
        let bytes = next(content, &mut buffer)?;
        if bytes.is_empty() {
            return written(out.flush());
        }
        match out.write_all(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            outcome => written(outcome)?,
        }
        bar.inc(bytes.len() as u64);
    }
}

/// The next bytes of a blob; none at its end.
fn next<'b>(content: &mut Download, buffer: &'b mut [u8]) -> Result<&'b [u8], Failure> {
    let count = content
        .read(buffer)
        .map_err(|error| match error.downcast::<strongroom::Error>() {
            Ok(error) => Failure::from(error),
            Err(error) => Failure::io("reading the blob", &error),
        })?;
    Ok(buffer.get(..count).unwrap_or_default())
}
