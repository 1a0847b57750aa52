//! `storage container show-permission|set-permission|policy`.
//!
//! A container's policies are replaced all at once. One process at a time has a store, so what is read here
//! is still so when it is written back.

use serde_json::{Map, Value, json};
use strongroom::{Conditions, Container, PublicAccess, StoredAccessPolicy};

use super::conditions::of_container;
use super::{blob, container, shape};
use crate::args::acl::{PolicyCommand, PolicyId, SetPermission, WritePolicy};
use crate::args::container::ContainerTarget;
use crate::output::error::{Exit, Failure};
use crate::session::Session;

/// Shows what anonymous callers may read.
pub(super) fn show_permission(session: &Session, args: &ContainerTarget) -> Result<Value, Failure> {
    let acl = container::open(session, &args.id)?.acl(&of_container(&args.conditions)?)?;
    let access = shape::public_access(acl.public_access);
    Ok(json!({"publicAccess": access.unwrap_or_else(|| "off".to_owned())}))
}

/// Says what anonymous callers may read; the policies stay.
pub(super) fn set_permission(session: &Session, args: &SetPermission) -> Result<Value, Failure> {
    let access = access(args.public_access.as_deref())?;
    let conditions = of_container(&args.conditions)?;
    let container = container::open(session, &args.id)?;
    let policies = container.acl(&of_lease(&conditions))?.policies;
    Ok(shape::changed(&container.set_acl(
        access,
        &policies,
        &conditions,
    )?))
}

/// The level of public access that is given, or none.
pub(super) fn access(text: Option<&str>) -> Result<PublicAccess, Failure> {
    Ok(text.map(str::parse).transpose()?.unwrap_or_default())
}

/// Shows or changes stored access policies.
pub(super) fn policy(session: &Session, command: &PolicyCommand) -> Result<Value, Failure> {
    match command {
        PolicyCommand::Create(args) => create(session, args),
        PolicyCommand::Delete(id) => change(session, id, |policies| {
            let at = position(policies, id)?;
            policies.remove(at);
            Ok(())
        }),
        PolicyCommand::List(args) => {
            let container = blob::place(session, &args.place)?;
            let acl = container.acl(&of_container(&args.conditions)?)?;
            let shown = |policy: &StoredAccessPolicy| (policy.id().to_owned(), policy_json(policy));
            Ok(acl.policies.iter().map(shown).collect::<Map<_, _>>().into())
        }
        PolicyCommand::Show(id) => {
            let container = blob::place(session, &id.place)?;
            let policies = container.acl(&of_container(&id.conditions)?)?.policies;
            let found = policies.get(position(&policies, id)?);
            Ok(found.map(policy_json).unwrap_or_default())
        }
        PolicyCommand::Update(args) => change(session, &args.id, |policies| {
            let at = position(policies, &args.id)?;
            if let Some(old) = policies.get_mut(at) {
                *old = written(args, old.clone())?;
            }
            Ok(())
        }),
    }
}

/// As in `az`, a policy of that name is replaced.
fn create(session: &Session, args: &WritePolicy) -> Result<Value, Failure> {
    let new = written(args, StoredAccessPolicy::new(&args.id.name)?)?;
    change(session, &args.id, |policies| {
        match policies.iter_mut().find(|old| old.id() == new.id()) {
            Some(old) => *old = new,
            None => policies.push(new),
        }
        Ok(())
    })
}

fn change(
    session: &Session,
    id: &PolicyId,
    change: impl FnOnce(&mut Vec<StoredAccessPolicy>) -> Result<(), Failure>,
) -> Result<Value, Failure> {
    let container: Container = blob::place(session, &id.place)?;
    let conditions = of_container(&id.conditions)?;
    let mut acl = container.acl(&of_lease(&conditions))?;
    change(&mut acl.policies)?;
    Ok(shape::changed(&container.set_acl(
        acl.public_access,
        &acl.policies,
        &conditions,
    )?))
}

fn written(args: &WritePolicy, old: StoredAccessPolicy) -> Result<StoredAccessPolicy, Failure> {
    let mut policy = old;
    if let Some(start) = args.start {
        policy = policy.from(start);
    }
    if let Some(expiry) = args.expiry {
        policy = policy.until(expiry);
    }
    if let Some(letters) = &args.permissions {
        policy = policy.permitting(letters)?;
    }
    Ok(policy)
}

fn position(policies: &[StoredAccessPolicy], id: &PolicyId) -> Result<usize, Failure> {
    let found = policies.iter().position(|policy| policy.id() == id.name);
    found.ok_or_else(|| {
        let message = format!("{} has no stored access policy {:?}", id.place.container, id.name);
        Failure::new(Exit::NotFound, "ResourceNotFound", message)
            .hint("`strongroom storage container policy list` prints those it has.")
    })
}

fn policy_json(policy: &StoredAccessPolicy) -> Value {
    json!({
        "expiry": policy.expiry().map(shape::time),
        "permission": policy.permission(),
        "start": policy.start().map(shape::time),
    })
}

/// Reading asks for nothing but the right lease.
fn of_lease(conditions: &Conditions) -> Conditions {
    Conditions {
        lease: conditions.lease,
        ..Conditions::default()
    }
}
