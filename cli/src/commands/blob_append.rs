//! `storage blob upload --type append`: a file goes to the end of an append blob, which is made if there is
//! none.

use std::io::Read;

use serde_json::{Value, json};
use strongroom::{
    APPEND_BLOCK_BYTES_MAX, AppendBlockOptions, AppendReceipt, Conditions, ContentHeaders, CreateBlobOptions,
};

use super::blob::headers;
use super::conditions::of_blob;
use super::container::metadata;
use super::shape;
use super::tag::tags;
use super::upload::Upload;
use crate::output::error::Failure;
use crate::progress::Metered;

/// Uploads the file.
pub(super) fn run(upload: &Upload<'_>) -> Result<Value, Failure> {
    let file = upload.open()?;
    let conditions = of_blob(&upload.args.conditions)?;
    let conditions = match begin(upload, &conditions)? {
        Begun::Anew => Conditions {
            lease: conditions.lease,
            ..Conditions::default()
        },
        Begun::Before => conditions,
    };
    let options = AppendBlockOptions {
        conditions,
        length_max: upload.args.maxsize_condition,
        encryption: upload.args.encryption.choice()?,
        ..AppendBlockOptions::default()
    };
    match append(upload, Metered::new(file, upload.bar), options)? {
        Some(receipt) => Ok(shown(&receipt)),
        None => upload.found(),
    }
}

/// Whether the blob that is appended to has just been made.
enum Begun {
    Anew,
    Before,
}

/// Makes the blob if there is none, or if the one that is there is to be replaced. Other conditions than that
/// there be none are about a blob that is there: with them none is made.
fn begin(upload: &Upload<'_>, conditions: &Conditions) -> Result<Begun, Failure> {
    let args = upload.args;
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
    match upload.container.create_append_blob(upload.name, &options) {
        Ok(_) => Ok(Begun::Anew),
        Err(error) if appends && error.code() == "BlobAlreadyExists" => Ok(Begun::Before),
        Err(error) => Err(error.into()),
    }
}

/// Appends all that `content` gives, as few blocks as there may be; the last of them. Whoever appends in
/// between ends it: the file would be in two places.
fn append(
    upload: &Upload<'_>,
    mut content: impl Read,
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
        let block = first.as_slice().chain(rest);
        let receipt = upload.container.append_block(upload.name, block, &options)?;
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
