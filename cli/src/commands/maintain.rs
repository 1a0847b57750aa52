//! `maintain`: does what has become due, and looks for newer versions of the keys that are followed.

use serde_json::{Value, json};
use strongroom::Maintained;

use super::Outcome;
use crate::output::error::{Exit, Failure};
use crate::session::Session;

/// Runs the command: until nothing is left to do now.
pub(super) fn run(session: &Session) -> Result<Outcome, Failure> {
    let store = session.store()?;
    let bar = session.progress().items("maintain", 0);
    let mut total = Maintained::default();
    while !total.done {
        let done = store.maintain()?;
        total = sum(total, done);
        bar.inc(1);
    }
    let checks = store.daily_check()?;
    bar.finish_and_clear();
    let failed = checks.iter().filter(|check| check.outcome.is_err()).count();
    let checks: Vec<Value> = checks
        .iter()
        .map(|check| {
            json!({
                "account": check.account.as_str(),
                "encryptionScope": check.scope.as_ref().map(|scope| scope.as_str()),
                "error": check.outcome.as_ref().err().map(ToString::to_string),
                "moved": check.outcome.as_ref().is_ok_and(|moved| *moved),
            })
        })
        .collect();
    let value = json!({
        "blobsOfDeletedContainers": total.blobs_of_deleted_containers,
        "contentSteps": total.content_steps,
        "copySteps": total.copy_steps,
        "expiredBlobs": total.expired_blobs,
        "expiries": total.expiries,
        "keyVersionChecks": checks,
        "uncommittedBlocks": total.uncommitted_blocks,
    });
    let failure = (failed > 0).then(|| {
        let message = format!("{failed} keys could not be looked at; the versions in use stay");
        Failure::new(Exit::Failed, "KeyVersionCheckFailed", message)
            .hint("The result names them; see to their vaults.")
    });
    Ok(Outcome { value, failure })
}

fn sum(mut total: Maintained, done: Maintained) -> Maintained {
    total.blobs_of_deleted_containers += done.blobs_of_deleted_containers;
    total.content_steps += done.content_steps;
    total.uncommitted_blocks += done.uncommitted_blocks;
    total.expiries += done.expiries;
    total.expired_blobs += done.expired_blobs;
    total.copy_steps += done.copy_steps;
    total.done = done.done;
    total
}
