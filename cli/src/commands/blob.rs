//! `storage blob ...`, one blob at a time.

use serde_json::Value;
use strongroom::{
    BlobName, BlobVersionRef, Container, ContainerName, ContentHeaders, DeleteBlobOptions, DeleteSnapshots,
};

use super::conditions::{of_blob, state};
use super::{
    blob_batch, blob_copy, blob_list, blob_read, blob_rewrite, blob_state, lease, service, shape, tag, upload,
};
use crate::args::blob::{
    BlobCommand, BlobId, BlobUrl, DeleteBlob, InContainer, MetadataCommand, SnapshotsToDelete, WhichSnapshots,
};
use crate::args::content::ContentArgs;
use crate::output::error::Failure;
use crate::session::Session;

/// Runs one command.
pub(super) fn run(session: &Session, command: &BlobCommand) -> Result<Value, Failure> {
    match command {
        BlobCommand::Copy(command) => blob_copy::run(session, command),
        BlobCommand::Delete(args) => delete(session, args),
        BlobCommand::DeleteBatch(args) => blob_batch::delete(session, args),
        BlobCommand::Download(args) => blob_read::download(session, args),
        BlobCommand::DownloadBatch(args) => blob_batch::download(session, args),
        BlobCommand::Exists(address) => blob_read::exists(session, address),
        BlobCommand::List(args) => blob_list::run(session, args),
        BlobCommand::Metadata(MetadataCommand::Show(args)) => blob_read::metadata(session, args),
        BlobCommand::Metadata(MetadataCommand::Update(args)) => blob_state::update_metadata(session, args),
        BlobCommand::Filter(args) => tag::filter(session, args),
        BlobCommand::IncrementalCopy(command) => blob_copy::incremental(session, command),
        BlobCommand::ImmutabilityPolicy(command) => blob_state::immutability(session, command),
        BlobCommand::Lease(command) => lease::blob(session, command),
        BlobCommand::Rewrite(args) => blob_rewrite::run(session, args),
        BlobCommand::ServiceProperties(command) => service::run(session, command),
        BlobCommand::SetExpiry(args) => blob_state::set_expiry(session, args),
        BlobCommand::SetLegalHold(args) => blob_state::set_legal_hold(session, args),
        BlobCommand::SetTier(args) => blob_state::set_tier(session, args),
        BlobCommand::Show(args) => blob_read::show(session, args),
        BlobCommand::Snapshot(args) => blob_state::snapshot(session, args),
        BlobCommand::Tag(command) => tag::run(session, command),
        BlobCommand::Undelete(id) => blob_state::undelete(session, id),
        BlobCommand::Update(args) => blob_state::update(session, args),
        BlobCommand::Upload(args) => upload::one(session, args),
        BlobCommand::UploadBatch(args) => upload::batch(session, args),
        BlobCommand::Url(args) => url(session, args),
    }
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

fn delete(session: &Session, args: &DeleteBlob) -> Result<Value, Failure> {
    let (container, name) = blob(session, &args.state.blob)?;
    let options = DeleteBlobOptions {
        which: state(&args.state.which),
        snapshots: snapshots(&args.snapshots),
        permanent: args.permanent.unwrap_or(false),
        conditions: of_blob(&args.state.conditions)?,
    };
    container.delete_blob(&name, options)?;
    Ok(Value::Null)
}

fn url(session: &Session, args: &BlobUrl) -> Result<Value, Failure> {
    let id = &args.address.blob;
    let (container, name) = blob(session, id)?;
    let url = shape::blob_url(&id.place.account.account, container.name(), &name);
    let url = match args.protocol.as_deref() {
        Some("http") => url.replacen("https:", "http:", 1),
        _ => url,
    };
    Ok(match state(&args.address.which) {
        BlobVersionRef::Base => url,
        BlobVersionRef::Snapshot(time) => format!("{url}?snapshot={time}"),
        BlobVersionRef::Version(id) => format!("{url}?versionid={id}"),
    }
    .into())
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
