//! `storage blob lease ...` and `storage container lease ...`.

use clap::Args;
use serde_json::Value;
use strongroom::{BreakPeriod, LeaseDuration, LeaseRequest};

use super::blob::place;
use super::conditions::{if_blob, if_time};
use crate::args::lease::{LeaseCommand, LeasedBlob, LeasedContainer};
use crate::output::error::Failure;
use crate::session::Session;

/// Runs one command on a blob.
pub(super) fn blob(session: &Session, command: &LeaseCommand<LeasedBlob>) -> Result<Value, Failure> {
    let (target, request) = parse(command)?;
    let (container, conditions) = (place(session, &target.place)?, if_blob(&target.conditions)?);
    let receipt = container.lease_blob(&target.blob_name.parse()?, request, &conditions)?;
    Ok(shape(&receipt))
}

/// Runs one command on a container.
pub(super) fn of_container(
    session: &Session,
    command: &LeaseCommand<LeasedContainer>,
) -> Result<Value, Failure> {
    let (target, request) = parse(command)?;
    let container = place(session, &target.place)?;
    Ok(shape(&container.lease(request, &if_time(&target.conditions))?))
}

fn parse<T: Args>(command: &LeaseCommand<T>) -> Result<(&T, LeaseRequest), Failure> {
    Ok(match command {
        LeaseCommand::Acquire {
            target,
            lease_duration,
            proposed_lease_id,
        } => {
            let duration = LeaseDuration::new(*lease_duration)?;
            let proposed = proposed_lease_id.as_deref().map(str::parse).transpose()?;
            (target, LeaseRequest::Acquire { duration, proposed })
        }
        LeaseCommand::Renew { target, lease_id } => (target, LeaseRequest::Renew(lease_id.parse()?)),
        LeaseCommand::Change {
            target,
            lease_id,
            proposed_lease_id,
        } => {
            let (id, proposed) = (lease_id.parse()?, proposed_lease_id.parse()?);
            (target, LeaseRequest::Change { id, proposed })
        }
        LeaseCommand::Release { target, lease_id } => (target, LeaseRequest::Release(lease_id.parse()?)),
        LeaseCommand::Break {
            target,
            lease_break_period,
        } => {
            let period = lease_break_period.map(BreakPeriod::new).transpose()?;
            (target, LeaseRequest::Break(period))
        }
    })
}

/// As in `az`: the id of the lease, the seconds of a broken one, nothing of one that was released.
fn shape(receipt: &strongroom::LeaseReceipt) -> Value {
    match (receipt.lease_id, receipt.lease_time) {
        (Some(id), _) => id.to_string().into(),
        (None, Some(seconds)) => seconds.into(),
        (None, None) => Value::Null,
    }
}
