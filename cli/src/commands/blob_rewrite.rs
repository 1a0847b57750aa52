//! `storage blob rewrite`: the content of a blob becomes a block blob under other keys, or in another place.

use serde_json::Value;
use strongroom::{BlobSource, UploadOptions};

use super::blob::blob;
use super::blob_copy::source;
use super::conditions::of_blob;
use super::container::metadata;
use super::shape;
use super::tag::tags;
use crate::args::copy::RewriteBlob;
use crate::output::error::Failure;
use crate::session::Session;

/// Makes the blob, in place of whatever is there: of the very source too.
pub(super) fn run(session: &Session, args: &RewriteBlob) -> Result<Value, Failure> {
    let (container, name) = blob(session, &args.blob)?;
    let home = &args.blob.place.account.account;
    let source = BlobSource {
        encryption: args.source_key.choice()?,
        ..source(session, (&args.from, home))?
    };
    let options = UploadOptions {
        metadata: metadata(&args.metadata)?,
        conditions: of_blob(&args.conditions)?,
        tags: tags(&args.tags)?,
        tier: args.tier,
        encryption: args.encryption.choice()?,
        ..UploadOptions::default()
    };
    let receipt = container.put_blob_from(&name, &source, options)?;
    Ok(shape::sealed(
        shape::receipt(&receipt),
        &args.encryption.choice()?,
    ))
}
