//! `storage container ...`.

use serde_json::{Value, json};
use strongroom::{Conditions, Container, ContainerItem, ContainerName, ListContainers, Metadata};

use super::paging::{Page, collect};
use super::shape;
use crate::args::container::{ContainerCommand, ContainerId, CreateContainer, ListContainers as ListArgs};
use crate::args::values::Pair;
use crate::output::error::Failure;
use crate::session::Session;

/// Runs one command.
pub(super) fn run(session: &Session, command: &ContainerCommand) -> Result<Value, Failure> {
    match command {
        ContainerCommand::Create(args) => create(session, args),
        ContainerCommand::Delete(id) => {
            open(session, id)?.delete(&Conditions::default())?;
            Ok(json!({"deleted": true}))
        }
        ContainerCommand::Exists(id) => Ok(json!({"exists": open(session, id)?.exists()?})),
        ContainerCommand::List(args) => list(session, args),
        ContainerCommand::Show(id) => {
            let container = open(session, id)?;
            let properties = container.properties()?;
            Ok(shape::container(container.name(), &properties, true))
        }
    }
}

/// User metadata from the pairs of the command line.
pub(super) fn metadata(pairs: &[Pair]) -> Result<Metadata, Failure> {
    let mut metadata = Metadata::new();
    pairs
        .iter()
        .try_for_each(|(name, value)| metadata.insert(name, value))?;
    Ok(metadata)
}

fn create(session: &Session, args: &CreateContainer) -> Result<Value, Failure> {
    match open(session, &args.id)?.create(&metadata(&args.metadata)?) {
        // As in `az`, where creating twice is no failure unless it is asked to be one.
        Err(error) if error.code() == "ContainerAlreadyExists" && !args.fail_on_exist => {
            Ok(json!({"created": false}))
        }
        other => Ok(other.map(|_| json!({"created": true}))?),
    }
}

fn list(session: &Session, args: &ListArgs) -> Result<Value, Failure> {
    let account = session.account(&args.account.account)?;
    let start = args.marker.as_deref().map(str::parse).transpose()?;
    let listed = collect(start, args.num_results, |marker, page_size| {
        let request = ListContainers {
            prefix: args.prefix.clone().unwrap_or_default(),
            marker,
            page_size,
            ..ListContainers::default()
        };
        let page = account.list_containers(&request)?;
        let items = page
            .containers
            .iter()
            .map(|item| shape_item(item, args.include_metadata))
            .collect();
        Ok(Page {
            items,
            next: page.next,
        })
    })?;
    Ok(listed.into_json(args.show_next_marker))
}

fn shape_item(item: &ContainerItem, with_metadata: bool) -> Value {
    shape::container(&item.name, &item.properties, with_metadata)
}

fn open(session: &Session, id: &ContainerId) -> Result<Container, Failure> {
    let name: ContainerName = id.name.parse()?;
    Ok(session.account(&id.account.account)?.container(&name))
}
