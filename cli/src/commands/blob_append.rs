//! `storage blob upload --type append`: a file goes to the end of an append blob, which is made if there is
//! none.

use std::fs::File;
use std::io::Read;

use serde_json::{Value, json};
use strongroom::{
    APPEND_BLOCK_BYTES_MAX, AppendBlockOptions, AppendReceipt, BlobName, Conditions, Container,
    ContentHeaders, CreateBlobOptions,
};

use super::blob::{headers, place};
use super::conditions::of_blob;
use super::container::metadata;
use super::shape;
use super::tag::tags;
use crate::args::blob::UploadBlob;
use crate::output::error::Failure;
use crate::progress::Metered;
use crate::session::Session;

/// Uploads the file.
pub(super) fn run(session: &Session, args: &UploadBlob, name: &BlobName) -> Result<Value, Failure> {
    let refuse = |message: &str| Failure::usage("InvalidArgumentValueError", message);
    if args.tier.is_some() {
        return Err(refuse("--tier: an append blob has no tier").hint("Leave --tier out."));
    }
    if args.content_md5.is_some() {
        let error = refuse("--content-md5: an append blob is not uploaded as a whole");
        return Err(error.hint("Leave --content-md5 out."));
    }
    let container = place(session, &args.place)?;
    let file = File::open(&args.file).map_err(|error| Failure::file(&args.file, &error))?;
    let bytes = file.metadata().map_or(0, |meta| meta.len());
    let bar = session.progress().bytes(name.as_str(), bytes);
    let conditions = of_blob(&args.conditions)?;
    let conditions = match begin(&container, (args, name), &conditions)? {
        Begun::Anew => Conditions {
            lease: conditions.lease,
            ..Conditions::default()
        },
        Begun::Before => conditions,
    };
    let options = AppendBlockOptions {
        conditions,
        length_max: args.maxsize_condition,
        ..AppendBlockOptions::default()
    };
    let last = append(&container, (name, Metered::new(file, &bar)), options)?;
    bar.finish_and_clear();
    match last {
        Some(receipt) => Ok(shown(&receipt)),
        None => {
            let found = container.blob_properties(name, &Conditions::default())?;
            Ok(json!({
                "etag": found.etag.to_string(),
                "lastModified": shape::time(found.last_modified),
                "request_server_encrypted": true,
            }))
        }
    }
}

/// Whether the blob that is appended to has just been made.
enum Begun {
    Anew,
    Before,
}

/// Makes the blob if there is none, or if the one that is there is to be replaced. Other conditions than that
/// there be none are about a blob that is there: with them none is made.
fn begin(
    container: &Container,
    (args, name): (&UploadBlob, &BlobName),
    conditions: &Conditions,
) -> Result<Begun, Failure> {
    let only_absent = Conditions {
        lease: conditions.lease,
        ..Conditions::if_absent()
    };
    let unconditional = Conditions {
        if_none_match: None,
        ..only_absent.clone()
    };
    let replaces = args.overwrite.unwrap_or(false);
    let appends = !replaces && *conditions == unconditional;
    if !replaces && !appends && *conditions != only_absent {
        return Ok(Begun::Before);
    }
    let options = CreateBlobOptions {
        headers: headers(&args.content, ContentHeaders::default()),
        metadata: metadata(&args.metadata)?,
        conditions: if appends { only_absent } else { conditions.clone() },
        tags: tags(&args.tags)?,
        encryption: args.encryption.choice()?,
        ..CreateBlobOptions::default()
    };
    match container.create_append_blob(name, &options) {
        Ok(_) => Ok(Begun::Anew),
        Err(error) if appends && error.code() == "BlobAlreadyExists" => Ok(Begun::Before),
        Err(error) => Err(error.into()),
    }
}

/// Appends all that `content` gives, as few blocks as there may be; the last of them. Whoever appends in
/// between ends it: the file would be in two places.
fn append(
    container: &Container,
    (name, mut content): (&BlobName, impl Read),
    mut options: AppendBlockOptions,
) -> Result<Option<AppendReceipt>, Failure> {
    let mut last = None;
    loop {
        let mut first = Vec::new();
        let read = content.by_ref().take(1).read_to_end(&mut first);
        read.map_err(|error| Failure::io("reading the file", &error))?;
        if first.is_empty() {
            return Ok(last);
        }
        let rest = content.by_ref().take(APPEND_BLOCK_BYTES_MAX - 1);
        let receipt = container.append_block(name, first.as_slice().chain(rest), &options)?;
        options.conditions = Conditions {
            lease: options.conditions.lease,
            ..Conditions::if_match(receipt.etag)
        };
        last = Some(receipt);
    }
}

fn shown(receipt: &AppendReceipt) -> Value {
    json!({
        "blob_append_offset": receipt.offset.to_string(),
        "blob_committed_block_count": receipt.committed_block_count,
        "etag": receipt.etag.to_string(),
        "lastModified": shape::time(receipt.last_modified),
        "request_server_encrypted": true,
    })
}
