//! `storage blob tag ...` and `storage blob filter`.

use serde_json::{Map, Value, json};
use strongroom::{Conditions, ContainerName, FindBlobs, Tags};

use super::blob::container;
use super::paging::{Page, collect};
use crate::args::blob::BlobId;
use crate::args::tag::{FilterBlobs, TagCommand};
use crate::args::values::Pair;
use crate::output::error::Failure;
use crate::session::Session;

/// Runs one command.
pub(super) fn run(session: &Session, command: &TagCommand) -> Result<Value, Failure> {
    match command {
        TagCommand::List(id) => {
            let (container, name) = open(session, id)?;
            Ok(shape(&container.blob_tags(&name, &Conditions::default())?))
        }
        TagCommand::Set { blob, tags } => {
            let (container, name) = open(session, blob)?;
            container.set_blob_tags(&name, &parse(tags)?, &Conditions::default())?;
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
                "tags": shape(&blob.tags),
            })
        };
        Ok(Page {
            items: page.blobs.iter().map(found).collect(),
            next: page.next,
        })
    })?;
    Ok(listed.into_json(args.show_next_marker))
}

fn open(session: &Session, id: &BlobId) -> Result<(strongroom::Container, strongroom::BlobName), Failure> {
    let container = container(session, &id.place.account.account, &id.place.container)?;
    Ok((container, id.name.parse()?))
}

fn parse(pairs: &[Pair]) -> Result<Tags, Failure> {
    let mut tags = Tags::new();
    pairs
        .iter()
        .try_for_each(|(name, value)| tags.insert(name, value))?;
    Ok(tags)
}

fn shape(tags: &Tags) -> Value {
    let pair = |(name, value): (&str, &str)| (name.to_owned(), Value::from(value));
    tags.iter().map(pair).collect::<Map<_, _>>().into()
}
