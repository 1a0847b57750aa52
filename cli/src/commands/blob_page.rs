//! `storage blob upload --type page`: a file becomes a page blob; what is zero in it takes no room.

use std::fs::File;
use std::io::Read;

use serde_json::{Value, json};
use strongroom::{
    BlobName, Conditions, Container, ContentHeaders, CreateBlobOptions, PUT_PAGES_BYTES_MAX, PutPagesOptions,
};

use super::blob::{headers, place, write_conditions};
use super::container::metadata;
use super::shape;
use super::tag::tags;
use crate::args::blob::UploadBlob;
use crate::output::error::Failure;
use crate::progress::Metered;
use crate::session::Session;

/// Bytes of a page.
const PAGE: u64 = 512;

/// Uploads the file. Not in one step: who reads meanwhile finds a part of it.
pub(super) fn run(session: &Session, args: &UploadBlob, name: &BlobName) -> Result<Value, Failure> {
    if args.content_md5.is_some() {
        let message = "--content-md5: a page blob is not uploaded as a whole";
        return Err(Failure::usage("InvalidArgumentValueError", message).hint("Leave --content-md5 out."));
    }
    let file = File::open(&args.file).map_err(|error| Failure::file(&args.file, &error))?;
    let length = file
        .metadata()
        .map_err(|error| Failure::file(&args.file, &error))?
        .len();
    if !length.is_multiple_of(PAGE) {
        let message = format!("{} has {length} bytes, no multiple of 512", args.file.display());
        return Err(Failure::usage("InvalidArgumentValueError", message)
            .hint("Pad the file to whole pages, or upload it as a block blob."));
    }
    let options = CreateBlobOptions {
        headers: headers(&args.content, ContentHeaders::default()),
        metadata: metadata(&args.metadata)?,
        conditions: write_conditions(args.overwrite, &args.conditions)?,
        tags: tags(&args.tags)?,
        tier: args.tier,
        encryption: args.encryption.choice()?,
        ..CreateBlobOptions::default()
    };
    let container = place(session, &args.place)?;
    let bar = session.progress().bytes(name.as_str(), length);
    let made = container.create_page_blob(name, (length, 0), &options)?;
    let first = PutPagesOptions {
        conditions: Conditions {
            lease: options.conditions.lease,
            ..Conditions::if_match(made.etag)
        },
        encryption: args.encryption.choice()?,
        ..PutPagesOptions::default()
    };
    write(&container, (name, Metered::new(file, &bar)), first)?;
    bar.finish_and_clear();
    let found = container.blob_properties(name, &Conditions::default())?;
    Ok(json!({
        "etag": found.etag.to_string(),
        "lastModified": shape::time(found.last_modified),
        "request_server_encrypted": true,
    }))
}

/// Writes all that `content` gives, but for pieces that are zero. Whoever writes in between ends it: the blob
/// would be neither file.
fn write(
    container: &Container,
    (name, mut content): (&BlobName, impl Read),
    mut options: PutPagesOptions,
) -> Result<(), Failure> {
    let mut offset = 0;
    loop {
        let mut piece = Vec::new();
        let read = content.by_ref().take(PUT_PAGES_BYTES_MAX).read_to_end(&mut piece);
        read.map_err(|error| Failure::io("reading the file", &error))?;
        let length = piece.len() as u64;
        if length == 0 {
            return Ok(());
        }
        if piece.iter().any(|byte| *byte != 0) {
            let put = container.put_pages(name, (offset, length), piece.as_slice(), &options)?;
            options.conditions = Conditions {
                lease: options.conditions.lease,
                ..Conditions::if_match(put.etag)
            };
        }
        offset += length;
    }
}
