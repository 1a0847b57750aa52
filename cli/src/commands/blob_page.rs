//! Page blobs: `storage blob upload --type page`, where what is zero in the file takes no room, and what
//! `show` tells of pages.

use std::io::Read;

use serde_json::{Value, json};
use strongroom::{
    BlobName, BlobVersionRef, Conditions, Container, ContentHeaders, CreateBlobOptions, ListPageRanges,
    PUT_PAGES_BYTES_MAX, PageRange, PutPagesOptions,
};

use super::blob::headers;
use super::container::metadata;
use super::tag::tags;
use super::upload::Upload;
use crate::output::error::Failure;
use crate::progress::Metered;

/// Bytes of a page.
const PAGE: u64 = 512;

/// Uploads the file. Not in one step: who reads meanwhile finds a part of it.
pub(super) fn run(upload: &Upload<'_>) -> Result<Value, Failure> {
    let (args, file) = (upload.args, upload.open()?);
    let length = file
        .metadata()
        .map_err(|error| Failure::file(upload.path, &error))?
        .len();
    if !length.is_multiple_of(PAGE) {
        let message = format!("{} has {length} bytes, no multiple of 512", upload.path.display());
        return Err(Failure::usage("InvalidArgumentValueError", message)
            .hint("Pad the file to whole pages, or upload it as a block blob."));
    }
    let options = CreateBlobOptions {
        headers: headers(&args.content, ContentHeaders::default()),
        metadata: metadata(&args.metadata)?,
        conditions: upload.conditions()?,
        tags: tags(&args.tags)?,
        tier: args.tier,
        encryption: args.encryption.choice()?,
        ..CreateBlobOptions::default()
    };
    let made = upload
        .container
        .create_page_blob(upload.name, (length, 0), &options)?;
    let first = PutPagesOptions {
        conditions: Conditions {
            lease: options.conditions.lease,
            ..Conditions::if_match(made.etag)
        },
        encryption: args.encryption.choice()?,
        ..PutPagesOptions::default()
    };
    let content = Metered::new(file, upload.bar);
    write(upload.container, (upload.name, content), first)?;
    upload.found()
}

/// The pages that hold data, and none that were cleared, as `az` shows them: first and last byte of each.
pub(super) fn ranges(
    container: &Container,
    name: &BlobName,
    which: BlobVersionRef,
) -> Result<Value, Failure> {
    let mut request = ListPageRanges {
        which,
        ..ListPageRanges::default()
    };
    let mut written = Vec::new();
    loop {
        let page = container.page_ranges(name, &request)?;
        written.extend(page.ranges.iter().map(range));
        request.marker = page.next;
        if request.marker.is_none() {
            return Ok(json!([written, []]));
        }
    }
}

fn range(range: &PageRange) -> Value {
    json!({"end": range.start + range.length - 1, "start": range.start})
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
