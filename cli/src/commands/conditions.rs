//! Conditions and states of blobs, from the options of the command line.

use strongroom::{BlobVersionRef, Conditions, ETagMatch};

use crate::args::conditions::{BlobConditions, ContainerConditions, IfBlob, IfTime, Lease, StateOfBlob};
use crate::output::error::Failure;

/// What must hold of a blob, and the lease that is held.
pub(super) fn of_blob(args: &BlobConditions) -> Result<Conditions, Failure> {
    under(&args.lease, if_blob(&args.blob)?)
}

/// What must hold of a container, and the lease that is held.
pub(super) fn of_container(args: &ContainerConditions) -> Result<Conditions, Failure> {
    under(&args.lease, if_time(&args.time))
}

/// What must hold of a blob.
pub(super) fn if_blob(args: &IfBlob) -> Result<Conditions, Failure> {
    let etags = |text: &Option<String>| text.as_deref().map(str::parse::<ETagMatch>).transpose();
    Ok(Conditions {
        if_match: etags(&args.if_match)?,
        if_none_match: etags(&args.if_none_match)?,
        if_tags: args.tags_condition.as_deref().map(str::parse).transpose()?,
        ..if_time(&args.time)
    })
}

/// When something must have changed last.
pub(super) fn if_time(args: &IfTime) -> Conditions {
    Conditions {
        if_modified_since: args.if_modified_since,
        if_unmodified_since: args.if_unmodified_since,
        ..Conditions::default()
    }
}

/// The state of a blob that is meant.
pub(super) fn state(args: &StateOfBlob) -> BlobVersionRef {
    match (args.snapshot, args.version_id) {
        (Some(time), _) => BlobVersionRef::Snapshot(time),
        (None, Some(id)) => BlobVersionRef::Version(id),
        (None, None) => BlobVersionRef::Base,
    }
}

/// Conditions, and the lease that is held.
pub(super) fn under(lease: &Lease, conditions: Conditions) -> Result<Conditions, Failure> {
    Ok(Conditions {
        lease: lease.lease_id.as_deref().map(str::parse).transpose()?,
        ..conditions
    })
}
