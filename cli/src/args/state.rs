//! `storage blob snapshot|undelete|update|set-expiry|set-legal-hold|set-tier|immutability-policy`: what a
//! blob is kept as, and for how long.

use clap::{ArgAction, Args, Subcommand, ValueEnum};
use strongroom::{AccessTier, RehydratePriority, Timestamp};

use super::blob::BlobId;
use super::conditions::{BlobConditions, Lease};
use super::content::ContentArgs;
use super::provided_key::ProvidedKey;
use super::values::{Pair, boolean, pair, priority, tier, time};

/// `storage blob snapshot`.
#[derive(Debug, Args)]
pub(crate) struct SnapshotBlob {
    #[command(flatten)]
    pub(crate) blob: BlobId,
    /// User metadata of the snapshot [default: that of the blob].
    #[arg(long, num_args = 1.., value_name = "K=V", value_parser = pair)]
    pub(crate) metadata: Vec<Pair>,
    #[command(flatten)]
    pub(crate) conditions: BlobConditions,
    #[command(flatten)]
    pub(crate) key: ProvidedKey,
}

/// `storage blob update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateBlob {
    #[command(flatten)]
    pub(crate) blob: BlobId,
    #[command(flatten)]
    pub(crate) content: ContentArgs,
    /// Forget the headers that are not given [default: false].
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "true|false", value_parser = boolean)]
    pub(crate) clear_content_settings: Option<bool>,
    #[command(flatten)]
    pub(crate) conditions: BlobConditions,
    #[command(flatten)]
    pub(crate) key: ProvidedKey,
}

/// `storage blob set-expiry`, in the options of `az storage fs file set-expiry`.
#[derive(Debug, Args)]
pub(crate) struct SetExpiry {
    #[command(flatten)]
    pub(crate) blob: BlobId,
    /// What `--expires-on` counts from.
    #[arg(
        long,
        alias = "expiry-option",
        value_name = "OPTION",
        value_enum,
        ignore_case = true
    )]
    pub(crate) expiry_options: ExpiryOption,
    /// A UTC time with `Absolute`; milliseconds with `RelativeToCreation` and `RelativeToNow`.
    #[arg(long, value_name = "TIME|MILLISECONDS")]
    pub(crate) expires_on: Option<String>,
    #[command(flatten)]
    pub(crate) conditions: BlobConditions,
}

/// What the expiry of a blob counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExpiryOption {
    /// At a time.
    #[value(name = "Absolute")]
    Absolute,
    /// Never.
    #[value(name = "NeverExpire")]
    NeverExpire,
    /// So long after it was created.
    #[value(name = "RelativeToCreation")]
    RelativeToCreation,
    /// So long from now.
    #[value(name = "RelativeToNow")]
    RelativeToNow,
}

/// `storage blob set-legal-hold`.
#[derive(Debug, Args)]
pub(crate) struct SetLegalHold {
    #[command(flatten)]
    pub(crate) blob: BlobId,
    /// Whether the hold is set or lifted.
    #[arg(long, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    #[arg(value_name = "true|false", value_parser = boolean)]
    pub(crate) legal_hold: bool,
}

/// `storage blob set-tier`.
#[derive(Debug, Args)]
pub(crate) struct SetTier {
    #[command(flatten)]
    pub(crate) blob: BlobId,
    /// Hot, Cool, Cold or Archive of a block blob, P4 to P80 of a page blob.
    #[arg(long, value_name = "TIER", value_parser = tier)]
    pub(crate) tier: AccessTier,
    /// Type that the blob is meant to have, which the tier must fit: block or page [default: either].
    #[arg(
        long = "type",
        short = 't',
        value_name = "block|page",
        value_enum,
        ignore_case = true
    )]
    #[arg(hide_possible_values = true)]
    pub(crate) blob_type: Option<TieredType>,
    /// How urgently a blob leaves the archive tier: after 15 hours, or after one with High [default:
    /// Standard].
    #[arg(long, short, value_name = "Standard|High", value_parser = priority)]
    pub(crate) rehydrate_priority: Option<RehydratePriority>,
    /// The version, as `list --include v` prints it.
    #[arg(long, value_name = "ID")]
    pub(crate) version_id: Option<Timestamp>,
    /// Only if the blob's tags are so, as in `"Status" = 'done'`.
    #[arg(long, value_name = "QUERY")]
    pub(crate) tags_condition: Option<String>,
    #[command(flatten)]
    pub(crate) lease: Lease,
}

/// The types of blobs that have tiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TieredType {
    /// Block blobs.
    Block,
    /// Page blobs.
    Page,
}

/// `storage blob immutability-policy VERB`.
#[derive(Debug, Subcommand)]
pub(crate) enum ImmutabilityCommand {
    /// Let nobody change or delete a blob before a time.
    Set(SetImmutability),
    /// Take the policy of a blob away, unless it is locked.
    Delete(BlobId),
}

/// `storage blob immutability-policy set`.
#[derive(Debug, Args)]
pub(crate) struct SetImmutability {
    #[command(flatten)]
    pub(crate) blob: BlobId,
    /// When the policy ends, in UTC.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) expiry_time: Timestamp,
    /// A locked policy can only be extended [default: Unlocked].
    #[arg(long, value_name = "Locked|Unlocked", value_enum, ignore_case = true)]
    #[arg(hide_possible_values = true)]
    pub(crate) policy_mode: Option<PolicyMode>,
    /// Only if the blob was not changed after this UTC time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) if_unmodified_since: Option<Timestamp>,
}

/// Whether an immutability policy can be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PolicyMode {
    /// It can only be extended.
    #[value(name = "Locked")]
    Locked,
    /// It can be shortened and removed.
    #[value(name = "Unlocked")]
    Unlocked,
}
