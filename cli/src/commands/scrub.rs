//! `scrub`: checks the store and every audit log, and tells what is damaged.
//!
//! What cannot be opened because its key is out of reach is checked by its checksums, counted, and is no
//! damage; neither is space that waits for being given back.

use serde_json::{Value, json};
use strongroom::{Account, AccountName, Container, Damage, Error, ListContainers};

use super::Outcome;
use crate::args::tools::ScrubArgs;
use crate::output::error::{Exit, Failure};
use crate::session::Session;

/// Runs the command.
pub(super) fn run(session: &Session, args: &ScrubArgs) -> Result<Outcome, Failure> {
    let name: Option<AccountName> = args.account_name.as_deref().map(str::parse).transpose()?;
    let bar = session.progress().items("scrub", 0);
    let found = session.store()?.scrub(name.as_ref(), |found| {
        bar.set_position(found.blobs_opened + found.blobs_without_key);
    })?;
    bar.finish_and_clear();
    let mut damage: Vec<Value> = found.damage.iter().map(shown).collect();
    let audit_records = match name {
        Some(_) => 0,
        None => check_audit(session, &mut damage)?,
    };
    let count = damage.len();
    let report = json!({
        "accounts": found.accounts,
        "auditRecords": audit_records,
        "blobs": found.blobs_opened + found.blobs_without_key,
        "bytes": found.bytes,
        "chunks": found.chunks,
        "containers": found.containers,
        "damage": damage,
        "leftovers": found.leftovers,
        "locked": found.blobs_without_key,
        "released": found.released,
    });
    let failure = (count > 0).then(|| {
        Failure::new(
            Exit::Failed,
            "DamageFound",
            format!("{count} stored things are damaged"),
        )
        .hint("The result names them; restore them from a backup.")
    });
    Ok(Outcome {
        value: report,
        failure,
    })
}

fn shown(damage: &Damage) -> Value {
    json!({
        "account": damage.account,
        "container": damage.container,
        "blob": damage.blob,
        "message": damage.what,
    })
}

/// Every container of an account.
pub(super) fn containers(account: &Account) -> Result<Vec<Container>, Error> {
    let mut containers = Vec::new();
    let mut request = ListContainers::default();
    loop {
        let page = account.list_containers(&request)?;
        containers.extend(page.containers.iter().map(|item| account.container(&item.name)));
        request.marker = page.next;
        if request.marker.is_none() {
            return Ok(containers);
        }
    }
}

/// Checks the chain of every audit log; the number of intact records.
fn check_audit(session: &Session, damage: &mut Vec<Value>) -> Result<u64, Failure> {
    let (vaults, token) = session.vaults_as_owner()?;
    let mut intact = 0;
    for vault in vaults.list_vaults()? {
        let verdict = vaults.verify_audit(&token, &vault.name)?;
        intact += verdict.intact;
        if let Some(record) = verdict.broken {
            let message = format!("the audit log is broken at record {record}");
            damage.push(json!({"vault": vault.name.to_string(), "message": message}));
        }
    }
    Ok(intact)
}
