//! `storage container ...`.

use serde_json::{Value, json};
use strongroom::{
    Container, ContainerEncryption, ContainerItem, ContainerName, ContainerProperties,
    CreateContainerOptions, ListContainers, Metadata,
};

use super::conditions::of_container;
use super::paging::{Page, collect};
use super::shape::ACCOUNT_KEY;
use super::{acl, shape};
use crate::args::container::{
    ContainerCommand, ContainerId, ContainerMetadataCommand, ContainerTarget, CreateContainer,
    ListContainers as ListArgs, RestoreContainer,
};
use crate::args::values::Pair;
use crate::output::error::Failure;
use crate::session::Session;

/// Runs one command.
pub(super) fn run(session: &Session, command: &ContainerCommand) -> Result<Value, Failure> {
    match command {
        ContainerCommand::Create(args) => create(session, args),
        ContainerCommand::Delete(target) => {
            open(session, &target.id)?.delete(&of_container(&target.conditions)?)?;
            Ok(json!({"deleted": true}))
        }
        ContainerCommand::Exists(id) => Ok(json!({"exists": open(session, id)?.exists()?})),
        ContainerCommand::List(args) => list(session, args),
        ContainerCommand::Lease(command) => super::lease::of_container(session, command),
        ContainerCommand::Metadata(command) => container_metadata(session, command),
        ContainerCommand::Policy(command) => acl::policy(session, command),
        ContainerCommand::Restore(args) => restore(session, args),
        ContainerCommand::SetPermission(args) => acl::set_permission(session, args),
        ContainerCommand::Show(target) => {
            let (name, properties) = properties(session, target)?;
            Ok(shape::container(&name, &properties, true))
        }
        ContainerCommand::ShowPermission(target) => acl::show_permission(session, target),
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
    let access = acl::access(args.public_access.as_deref())?;
    let scope = args
        .default_encryption_scope
        .as_deref()
        .filter(|scope| *scope != ACCOUNT_KEY);
    let options = CreateContainerOptions {
        metadata: metadata(&args.metadata)?,
        public_access: access,
        encryption: ContainerEncryption {
            default_scope: scope.map(str::parse).transpose()?,
            deny_override: args.prevent_encryption_scope_override.unwrap_or(false),
        },
    };
    match open(session, &args.id)?.create_with(&options) {
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
            include_deleted: args.include_deleted,
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

fn properties(
    session: &Session,
    target: &ContainerTarget,
) -> Result<(ContainerName, ContainerProperties), Failure> {
    let container = open(session, &target.id)?;
    let properties = container.properties_if(&of_container(&target.conditions)?)?;
    Ok((container.name().clone(), properties))
}

fn container_metadata(session: &Session, command: &ContainerMetadataCommand) -> Result<Value, Failure> {
    match command {
        ContainerMetadataCommand::Show(target) => {
            Ok(shape::metadata(&properties(session, target)?.1.metadata))
        }
        ContainerMetadataCommand::Update {
            target,
            metadata: pairs,
        } => {
            let conditions = of_container(&target.conditions)?;
            let changed = open(session, &target.id)?.set_metadata(&metadata(pairs)?, &conditions)?;
            Ok(shape::changed(&changed))
        }
    }
}

fn restore(session: &Session, args: &RestoreContainer) -> Result<Value, Failure> {
    let account = session.account(&args.id.account.account)?;
    let name: ContainerName = args.id.name.parse()?;
    let properties = account.restore_container(&name, args.deleted_version.parse()?)?;
    Ok(shape::container(&name, &properties, true))
}

fn shape_item(item: &ContainerItem, with_metadata: bool) -> Value {
    let mut shape = shape::container(&item.name, &item.properties, with_metadata);
    if let (Some(deleted), Some(members)) = (&item.deleted, shape.as_object_mut()) {
        members.insert("deleted".to_owned(), true.into());
        members.insert("version".to_owned(), deleted.version.to_string().into());
    }
    shape
}

/// A handle to the container that is named.
pub(super) fn open(session: &Session, id: &ContainerId) -> Result<Container, Failure> {
    let name: ContainerName = id.name.parse()?;
    Ok(session.account(&id.account.account)?.container(&name))
}
