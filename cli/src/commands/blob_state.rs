//! `storage blob snapshot|undelete|update|set-expiry|set-legal-hold|set-tier|immutability-policy` and
//! `storage blob metadata update`.

use std::time::Duration;

use serde_json::{Value, json};
use strongroom::{
    AccessTier, BlobExpiry, BlobVersionRef, Conditions, ContentHeaders, ImmutabilityMode, ImmutabilityPolicy,
    ReadOptions, SetMetadataOptions, SetTierOptions, SnapshotOptions,
};

use super::blob::{blob, headers};
use super::conditions::{of_blob, under};
use super::container::metadata;
use super::shape;
use crate::args::blob::{BlobId, UpdateMetadata};
use crate::args::state::{
    ExpiryOption, ImmutabilityCommand, PolicyMode, SetExpiry, SetImmutability, SetLegalHold, SetTier,
    SnapshotBlob, TieredType, UpdateBlob,
};
use crate::args::values::time;
use crate::output::error::Failure;
use crate::session::Session;

/// Takes a snapshot.
pub(super) fn snapshot(session: &Session, args: &SnapshotBlob) -> Result<Value, Failure> {
    let (container, name) = blob(session, &args.blob)?;
    let options = SnapshotOptions {
        metadata: metadata(&args.metadata)?,
        conditions: of_blob(&args.conditions)?,
        encryption: args.key.choice()?,
    };
    let receipt = container.snapshot_blob(&name, &options)?;
    Ok(json!({
        "etag": receipt.etag.to_string(),
        "lastModified": shape::time(receipt.last_modified),
        "snapshot": receipt.snapshot.to_string(),
        "versionId": receipt.version_id.map(|id| id.to_string()),
    }))
}

/// Restores a deleted blob; one that is not deleted is none to restore, and no failure.
pub(super) fn undelete(session: &Session, id: &BlobId) -> Result<Value, Failure> {
    let (container, name) = blob(session, id)?;
    container.undelete_blob(&name)?;
    Ok(json!({"undeleted": true}))
}

/// Changes the content headers that are given.
///
/// As in `az` the others are read first and written back; the etag that was read keeps a change in between
/// from being lost.
pub(super) fn update(session: &Session, args: &UpdateBlob) -> Result<Value, Failure> {
    let (container, name) = blob(session, &args.blob)?;
    let conditions = of_blob(&args.conditions)?;
    let (old, conditions) = if args.clear_content_settings.unwrap_or(false) {
        (ContentHeaders::default(), conditions)
    } else {
        let options = ReadOptions {
            conditions: conditions.clone(),
            encryption: args.key.choice()?,
            ..ReadOptions::default()
        };
        let read = container.blob_properties(&name, options)?;
        let unchanged = Conditions {
            lease: conditions.lease,
            ..Conditions::if_match(read.etag)
        };
        (read.headers, unchanged)
    };
    let receipt = container.set_blob_headers(&name, &headers(&args.content, old), &conditions)?;
    Ok(shape::receipt(&receipt))
}

/// Replaces the user metadata.
pub(super) fn update_metadata(session: &Session, args: &UpdateMetadata) -> Result<Value, Failure> {
    let (container, name) = blob(session, &args.blob)?;
    let options = SetMetadataOptions {
        conditions: of_blob(&args.conditions)?,
        encryption: args.key.choice()?,
    };
    let receipt = container.set_blob_metadata(&name, &metadata(&args.metadata)?, options)?;
    Ok(shape::receipt(&receipt))
}

/// Sets when a blob goes away by itself.
pub(super) fn set_expiry(session: &Session, args: &SetExpiry) -> Result<Value, Failure> {
    let expiry = expiry(args)?;
    let (container, name) = blob(session, &args.blob)?;
    let expires = container.set_blob_expiry(&name, expiry, &of_blob(&args.conditions)?)?;
    Ok(json!({"expiryTime": expires.map(shape::time)}))
}

/// Sets or lifts the legal hold.
pub(super) fn set_legal_hold(session: &Session, args: &SetLegalHold) -> Result<Value, Failure> {
    let (container, name) = blob(session, &args.blob)?;
    container.set_blob_legal_hold(&name, args.legal_hold, &Conditions::default())?;
    Ok(json!({"legalHold": args.legal_hold}))
}

/// Sets the tier of a blob, or begins to bring it back from the archive tier.
pub(super) fn set_tier(session: &Session, args: &SetTier) -> Result<Value, Failure> {
    check_tier(args)?;
    let (container, name) = blob(session, &args.blob)?;
    let conditions = Conditions {
        if_tags: args.tags_condition.as_deref().map(str::parse).transpose()?,
        ..Conditions::default()
    };
    let options = SetTierOptions {
        which: args
            .version_id
            .map_or(BlobVersionRef::Base, BlobVersionRef::Version),
        priority: args.rehydrate_priority.unwrap_or_default(),
        conditions: under(&args.lease, conditions)?,
    };
    container.set_blob_tier(&name, args.tier, &options)?;
    Ok(Value::Null)
}

/// A tier must fit the type that is named.
fn check_tier(args: &SetTier) -> Result<(), Failure> {
    use AccessTier::{Archive, Cold, Cool, Hot};
    let found = match args.tier {
        Hot | Cool | Cold | Archive => TieredType::Block,
        _ => TieredType::Page,
    };
    match args.blob_type {
        Some(wanted) if wanted != found => {
            let message = format!("--tier: {} is no tier of that type of blob", args.tier);
            let hint = "Block blobs have Hot, Cool, Cold and Archive; page blobs P4 to P80.";
            Err(Failure::usage("InvalidArgumentValueError", message).hint(hint))
        }
        _ => Ok(()),
    }
}

/// Sets an immutability policy, or takes it away.
pub(super) fn immutability(session: &Session, command: &ImmutabilityCommand) -> Result<Value, Failure> {
    match command {
        ImmutabilityCommand::Set(args) => set_immutability(session, args),
        ImmutabilityCommand::Delete(id) => {
            let (container, name) = blob(session, id)?;
            container.delete_blob_immutability(&name, &Conditions::default())?;
            Ok(Value::Null)
        }
    }
}

fn set_immutability(session: &Session, args: &SetImmutability) -> Result<Value, Failure> {
    let (container, name) = blob(session, &args.blob)?;
    let policy = ImmutabilityPolicy {
        until: args.expiry_time,
        mode: match args.policy_mode {
            Some(PolicyMode::Locked) => ImmutabilityMode::Locked,
            Some(PolicyMode::Unlocked) | None => ImmutabilityMode::Unlocked,
        },
    };
    let conditions = Conditions {
        if_unmodified_since: args.if_unmodified_since,
        ..Conditions::default()
    };
    container.set_blob_immutability(&name, policy, &conditions)?;
    Ok(shape::immutability(Some(policy)))
}

fn expiry(args: &SetExpiry) -> Result<BlobExpiry, Failure> {
    let wrong = |message: String| Failure::usage("InvalidArgumentValueError", message);
    if args.expiry_options == ExpiryOption::NeverExpire {
        return match &args.expires_on {
            None => Ok(BlobExpiry::Never),
            Some(_) => Err(
                wrong("--expires-on: a blob that never expires has no time".to_owned())
                    .hint("Leave --expires-on out."),
            ),
        };
    }
    let Some(text) = &args.expires_on else {
        let message = "--expires-on is missing";
        return Err(Failure::usage("RequiredArgumentMissingError", message)
            .hint("Give a UTC time with Absolute, and milliseconds with the others."));
    };
    let milliseconds = || {
        let parsed = text.parse().map(Duration::from_millis);
        parsed.map_err(|_| wrong(format!("--expires-on: '{text}' is no number of milliseconds")))
    };
    match args.expiry_options {
        ExpiryOption::NeverExpire => Ok(BlobExpiry::Never),
        ExpiryOption::Absolute => {
            let at = time(text).map_err(|message| wrong(format!("--expires-on: {message}")))?;
            Ok(BlobExpiry::At(at))
        }
        ExpiryOption::RelativeToCreation => Ok(BlobExpiry::AfterCreation(milliseconds()?)),
        ExpiryOption::RelativeToNow => Ok(BlobExpiry::FromNow(milliseconds()?)),
    }
}
