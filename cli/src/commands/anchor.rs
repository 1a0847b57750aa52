//! `anchor ...`: each opens the store and the vaults in its own way, and shows where they stand.

use serde_json::{Value, json};
use strongroom::{AnchorMode, AnchoredHead};

use super::shape::time;
use crate::args::anchor::{AnchorCommand, Sides};
use crate::output::error::Failure;
use crate::session::{Anchors, Session};

/// Runs the command.
pub(super) fn run(session: &Session, command: &AnchorCommand) -> Result<Value, Failure> {
    session.open_as(match command {
        AnchorCommand::Accept(sides) => modes(*sides, AnchorMode::AcceptRollback),
        AnchorCommand::Begin => Anchors {
            modes: [AnchorMode::Begin; 2],
            ..Anchors::default()
        },
        AnchorCommand::Check(args) => Anchors {
            expected: [args.head, args.vault_head],
            ..Anchors::default()
        },
        AnchorCommand::End(sides) => modes(*sides, AnchorMode::End),
        AnchorCommand::Show => Anchors::default(),
    });
    let store = session.store()?;
    let rollbacks = store.accepted_rollbacks()?;
    let rollbacks: Vec<Value> = rollbacks
        .iter()
        .map(|rollback| {
            json!({
                "anchored": rollback.anchored,
                "found": rollback.found,
                "time": time(rollback.time),
            })
        })
        .collect();
    Ok(json!({
        "acceptedRollbacks": rollbacks,
        "keyVaults": shape(session.vault_head()?),
        "store": shape(store.head()),
    }))
}

fn modes(sides: Sides, mode: AnchorMode) -> Anchors {
    let of = |chosen| if chosen { mode } else { AnchorMode::Check };
    Anchors {
        modes: [of(sides.store), of(sides.key_vaults)],
        ..Anchors::default()
    }
}

fn shape(head: Option<AnchoredHead>) -> Value {
    head.map_or(
        Value::Null,
        |head| json!({ "head": head.to_string(), "number": head.number() }),
    )
}
