//! `storage blob tag ...` and `storage blob filter`.

use serde_json::{Value, json};
use strongroom::{ContainerName, EncryptionChoice, FindBlobs, Tags};

use super::blob::blob;
use super::blob_read::options;
use super::conditions::of_blob;
use super::paging::{Page, collect};
use super::shape;
use crate::args::tag::{FilterBlobs, TagCommand};
use crate::args::values::Pair;
use crate::output::error::Failure;
use crate::session::Session;

/// Runs one command.
pub(super) fn run(session: &Session, command: &TagCommand) -> Result<Value, Failure> {
    match command {
        TagCommand::List(state) => {
            let (container, name) = blob(session, &state.blob)?;
            Ok(shape::tags(
                &container.blob_tags(&name, options(state, EncryptionChoice::Default)?)?,
            ))
        }
        TagCommand::Set {
            blob: id,
            tags: pairs,
            conditions,
        } => {
            let (container, name) = blob(session, id)?;
            container.set_blob_tags(&name, &tags(pairs)?, &of_blob(conditions)?)?;
            Ok(Value::Null)
        }
    }
}

/// Finds blobs by their tags.
pub(super) fn filter(session: &Session, args: &FilterBlobs) -> Result<Value, Failure> {
    let account = session.account(&args.account.account)?;
    let mut request = FindBlobs::new(args.tag_filter.parse()?);
    let within: Option<ContainerName> = args.container_name.as_deref().map(str::parse).transpose()?;
    let start = args.marker.as_deref().map(str::parse).transpose()?;
    let listed = collect(start, args.num_results, |marker, page_size| {
        request.marker = marker;
        request.page_size = page_size;
        let page = match &within {
            Some(name) => account.container(name).find_blobs(&request)?,
            None => account.find_blobs(&request)?,
        };
        let found = |blob: &strongroom::FoundBlob| {
            json!({
                "containerName": blob.container.as_str(),
                "name": blob.name.as_str(),
                "tags": shape::tags(&blob.tags),
            })
        };
        Ok(Page {
            items: page.blobs.iter().map(found).collect(),
            next: page.next,
        })
    })?;
    Ok(listed.into_json(args.show_next_marker))
}

/// The tags of the command line.
pub(super) fn tags(pairs: &[Pair]) -> Result<Tags, Failure> {
    let mut tags = Tags::new();
    pairs
        .iter()
        .try_for_each(|(name, value)| tags.insert(name, value))?;
    Ok(tags)
}
