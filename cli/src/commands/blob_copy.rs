//! `storage blob copy ...` and `storage blob incremental-copy ...`.

use serde_json::{Value, json};
use strongroom::{
    Account, BlobName, BlobSource, BlobVersionRef, Conditions, Container, CopyOptions, CopyReceipt,
    CopyStatus, ETagMatch, EncryptionChoice, ReadOptions,
};

use super::blob::container;
use super::blob_batch::matching;
use super::container::metadata;
use super::shape;
use super::tag::tags;
use super::upload::named;
use crate::args::copy::{
    CancelCopy, CopyCommand, CopyDestination, CopySource, IncrementalCopyCommand, StartCopy, StartCopyBatch,
    StartIncrementalCopy,
};
use crate::files::glob::Pattern;
use crate::output::error::{Exit, Failure};
use crate::session::Session;

/// Runs one command of `storage blob copy`.
pub(super) fn run(session: &Session, command: &CopyCommand) -> Result<Value, Failure> {
    match command {
        CopyCommand::Cancel(args) => cancel(session, args),
        CopyCommand::Start(args) => start(session, args),
        CopyCommand::StartBatch(args) => start_batch(session, args),
    }
}

/// Runs one command of `storage blob incremental-copy`.
pub(super) fn incremental(session: &Session, command: &IncrementalCopyCommand) -> Result<Value, Failure> {
    let StartIncrementalCopy { to, from } = match command {
        IncrementalCopyCommand::Cancel(args) => return cancel(session, args),
        IncrementalCopyCommand::Start(args) => args.as_ref(),
    };
    let (container, name) = destination(session, to)?;
    let source = source(session, (from, &to.account.account))?;
    let receipt = container.incremental_copy(&name, &source, &conditions(to)?)?;
    Ok(shown(&receipt, receipt.status))
}

fn start(session: &Session, args: &StartCopy) -> Result<Value, Failure> {
    let (container, name) = destination(session, &args.to)?;
    let source = BlobSource {
        encryption: args.source_key.choice()?,
        ..source(session, (&args.from, &args.to.account.account))?
    };
    let options = CopyOptions {
        metadata: metadata(&args.metadata)?,
        tags: tags(&args.tags)?,
        tier: args.tier,
        priority: args.rehydrate_priority.unwrap_or_default(),
        conditions: conditions(&args.to)?,
        source_url: args.from.source_uri.clone(),
        encryption: args.encryption.choice()?,
        ..CopyOptions::default()
    };
    let receipt = match args.requires_sync {
        Some(true) => container.copy_blob(&name, &source, &options)?,
        _ => container.start_copy(&name, &source, &options)?,
    };
    if receipt.status != CopyStatus::Pending {
        return Ok(shown(&receipt, receipt.status));
    }
    let account = session.account(&args.to.account.account)?;
    let carried = Carried {
        account: &account,
        container: &container,
        name: &name,
        encryption: options.encryption,
    };
    let status = carried.carry_on(session, &receipt)?;
    Ok(shown(&receipt, status))
}

/// Copies one blob after the other; prints the addresses of the copies.
fn start_batch(session: &Session, args: &StartCopyBatch) -> Result<Value, Failure> {
    let pattern = Pattern::parse(args.pattern.as_deref())?;
    let owner = args
        .source_account_name
        .as_deref()
        .unwrap_or(&args.account.account);
    let from = container(session, owner, &args.source_container)?;
    let to = container(session, &args.account.account, &args.destination_container)?;
    let account = session.account(&args.account.account)?;
    let mut copies = Vec::new();
    for blob in matching(&from, &pattern)? {
        let name = named(args.destination_path.as_deref(), blob.name.as_str())?;
        copies.push(shape::blob_url(&args.account.account, to.name(), &name));
        if args.dryrun {
            continue;
        }
        let source = BlobSource::new(&from, blob.name.clone());
        let started = to.start_copy(&name, &source, &CopyOptions::default());
        let receipt = started.map_err(|error| Failure::from(error).about(&name))?;
        if receipt.status == CopyStatus::Pending {
            let carried = Carried {
                account: &account,
                container: &to,
                name: &name,
                encryption: EncryptionChoice::Default,
            };
            carried
                .carry_on(session, &receipt)
                .map_err(|error| error.about(&name))?;
        }
    }
    Ok(copies.into())
}

/// A copy that is under way.
struct Carried<'a> {
    account: &'a Account,
    container: &'a Container,
    name: &'a BlobName,
    /// What the destination is under: its state shows to nobody else.
    encryption: EncryptionChoice,
}

impl Carried<'_> {
    /// Carries the copy on until it has ended, with a bar. Interrupted, it is carried on by `maintain`.
    fn carry_on(&self, session: &Session, receipt: &CopyReceipt) -> Result<CopyStatus, Failure> {
        let bar = session.progress().bytes(self.name.as_str(), 0);
        loop {
            let options = ReadOptions {
                encryption: self.encryption.clone(),
                ..ReadOptions::default()
            };
            let found = self.container.blob_properties(self.name, options)?;
            let Some(copy) = found.copy.filter(|copy| copy.id == receipt.id) else {
                return Err(Failure::new(
                    Exit::Failed,
                    "CopyIdMismatch",
                    "somebody else has replaced the destination meanwhile",
                )
                .hint("Look at the destination, then copy again."));
            };
            bar.set_length(copy.total);
            bar.set_position(copy.copied);
            match copy.status {
                CopyStatus::Pending => drop(self.account.maintain()?),
                CopyStatus::Success => {
                    bar.finish_and_clear();
                    return Ok(copy.status);
                }
                status => {
                    bar.finish_and_clear();
                    let why = copy.description.unwrap_or_else(|| status.to_string());
                    let message = format!("the copy has ended early: {why}");
                    return Err(Failure::new(Exit::Failed, "CopyFailed", message)
                        .hint("See to the source, then copy again."));
                }
            }
        }
    }
}

fn cancel(session: &Session, args: &CancelCopy) -> Result<Value, Failure> {
    let to = &args.blob;
    let container = container(session, &to.account.account, &to.destination_container)?;
    let id = args.copy_id.parse().map_err(|_| {
        let message = format!("--copy-id: {:?} is not the id of a copy", args.copy_id);
        Failure::usage("InvalidArgumentValueError", message).hint("Give what `copy start` or `show` prints.")
    })?;
    let conditions = super::conditions::under(&args.lease, Conditions::default())?;
    container.abort_copy(&to.destination_blob.parse()?, id, &conditions)?;
    Ok(Value::Null)
}

fn destination(session: &Session, to: &CopyDestination) -> Result<(Container, BlobName), Failure> {
    let container = container(session, &to.account.account, &to.destination_container)?;
    Ok((container, to.destination_blob.parse()?))
}

/// The blob that is copied; in the account that is given, if the options name none.
pub(super) fn source(session: &Session, (from, home): (&CopySource, &str)) -> Result<BlobSource, Failure> {
    let found = match (&from.source_uri, &from.source_container, &from.source_blob) {
        (Some(uri), _, _) => session.store()?.blob_source(uri)?,
        (None, Some(within), Some(name)) => {
            let account = from.source_account_name.as_deref().unwrap_or(home);
            let which = from.source_snapshot.map(BlobVersionRef::Snapshot);
            BlobSource {
                which: which.unwrap_or_default(),
                ..BlobSource::new(&container(session, account, within)?, name.parse()?)
            }
        }
        _ => {
            let message = "a copy needs --source-uri, or --source-container and --source-blob";
            return Err(Failure::usage("RequiredArgumentMissingError", message)
                .hint("Name the blob that is to be copied."));
        }
    };
    Ok(BlobSource {
        conditions: Conditions {
            if_match: etags(from.source_if_match.as_deref())?,
            if_none_match: etags(from.source_if_none_match.as_deref())?,
            if_modified_since: from.source_if_modified_since,
            if_unmodified_since: from.source_if_unmodified_since,
            if_tags: from
                .source_tags_condition
                .as_deref()
                .map(str::parse)
                .transpose()?,
            lease: from.source_lease_id.as_deref().map(str::parse).transpose()?,
        },
        ..found
    })
}

fn conditions(to: &CopyDestination) -> Result<Conditions, Failure> {
    Ok(Conditions {
        if_match: etags(to.destination_if_match.as_deref())?,
        if_none_match: etags(to.destination_if_none_match.as_deref())?,
        if_modified_since: to.destination_if_modified_since,
        if_unmodified_since: to.destination_if_unmodified_since,
        if_tags: to
            .destination_tags_condition
            .as_deref()
            .map(str::parse)
            .transpose()?,
        lease: to.destination_lease_id.as_deref().map(str::parse).transpose()?,
    })
}

fn etags(text: Option<&str>) -> Result<Option<ETagMatch>, Failure> {
    Ok(text.map(str::parse).transpose()?)
}

fn shown(receipt: &CopyReceipt, status: CopyStatus) -> Value {
    json!({
        "copy_id": receipt.id.to_string(),
        "copy_status": status.to_string(),
        "etag": receipt.etag.to_string(),
        "last_modified": shape::time(receipt.last_modified),
        "version_id": receipt.version_id.map(|id| id.to_string()),
    })
}
