//! `scrub`: opens every blob and checks every audit log, and tells what is damaged.
//!
//! What cannot be opened because its key is out of reach is counted and is no damage.

use serde_json::{Value, json};
use strongroom::{Account, AccountName, Container, Error, ErrorKind, ListBlobs, ListContainers};

use super::Outcome;
use crate::args::tools::ScrubArgs;
use crate::output::error::{Exit, Failure};
use crate::session::Session;

/// What was gone through.
#[derive(Default)]
struct Found {
    accounts: u64,
    containers: u64,
    blobs: u64,
    bytes: u64,
    chunks: u64,
    locked: u64,
    audit_records: u64,
    damage: Vec<Value>,
}

/// Runs the command.
pub(super) fn run(session: &Session, args: &ScrubArgs) -> Result<Outcome, Failure> {
    let mut found = Found::default();
    for name in names(session, args.account_name.as_deref())? {
        found.accounts += 1;
        match session.store()?.account(&name) {
            Ok(account) => check_account(session, &account, &mut found)?,
            Err(error) if args.account_name.is_some() => return Err(error.into()),
            Err(error) => damaged(error, &[name.to_string()], &mut found)?,
        }
    }
    if args.account_name.is_none() {
        check_audit(session, &mut found)?;
    }
    let damage = found.damage.len();
    let report = json!({
        "accounts": found.accounts,
        "auditRecords": found.audit_records,
        "blobs": found.blobs,
        "bytes": found.bytes,
        "chunks": found.chunks,
        "containers": found.containers,
        "damage": found.damage,
        "locked": found.locked,
    });
    let failure = (damage > 0).then(|| {
        Failure::new(
            Exit::Failed,
            "DamageFound",
            format!("{damage} stored things are damaged"),
        )
        .hint("The result names them; restore them from a backup.")
    });
    Ok(Outcome {
        value: report,
        failure,
    })
}

/// The account named, or all of them.
fn names(session: &Session, name: Option<&str>) -> Result<Vec<AccountName>, Failure> {
    match name {
        Some(name) => Ok(vec![name.parse()?]),
        None => Ok(session
            .store()?
            .accounts()?
            .into_iter()
            .map(|account| account.name)
            .collect()),
    }
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

fn check_account(session: &Session, account: &Account, found: &mut Found) -> Result<(), Failure> {
    let containers = match containers(account) {
        Ok(containers) => containers,
        Err(error) => return damaged(error, &[account.name().to_owned()], found),
    };
    for container in containers {
        found.containers += 1;
        check_container(session, account, &container, found)?;
    }
    Ok(())
}

fn check_container(
    session: &Session,
    account: &Account,
    container: &Container,
    found: &mut Found,
) -> Result<(), Failure> {
    let place = [account.name().to_owned(), container.name().to_string()];
    let bar = session.progress().items(&place.join("/"), 0);
    let mut request = ListBlobs::default();
    loop {
        let page = match container.list_blobs(&request) {
            Ok(page) => page,
            Err(error) => return damaged(error, &place, found),
        };
        for blob in page.blobs() {
            found.blobs += 1;
            bar.inc(1);
            match container.content_check(&blob.name) {
                Ok(check) => {
                    found.bytes += check.length;
                    found.chunks += check.chunks;
                }
                Err(error) => {
                    let [account, container] = place.clone();
                    damaged(error, &[account, container, blob.name.to_string()], found)?;
                }
            }
        }
        request.marker = page.next;
        if request.marker.is_none() {
            bar.finish_and_clear();
            return Ok(());
        }
    }
}

/// Sorts an error: damage is noted, a key out of reach is counted, anything else ends the scrub.
fn damaged(error: Error, place: &[String], found: &mut Found) -> Result<(), Failure> {
    match error.kind() {
        ErrorKind::Corrupt => {
            let mut names = place.iter();
            found.damage.push(json!({
                "account": names.next(),
                "container": names.next(),
                "blob": names.next(),
                "message": error.message(),
            }));
            Ok(())
        }
        ErrorKind::KeyUnavailable => {
            found.locked += 1;
            Ok(())
        }
        // Deleted since it was listed.
        ErrorKind::NotFound => Ok(()),
        _ => Err(error.into()),
    }
}

fn check_audit(session: &Session, found: &mut Found) -> Result<(), Failure> {
    let (vaults, token) = session.vaults_as_owner()?;
    for vault in vaults.list_vaults()? {
        let verdict = vaults.verify_audit(&token, &vault.name)?;
        found.audit_records += verdict.intact;
        if let Some(record) = verdict.broken {
            let message = format!("the audit log is broken at record {record}");
            found
                .damage
                .push(json!({"vault": vault.name.to_string(), "message": message}));
        }
    }
    Ok(())
}
