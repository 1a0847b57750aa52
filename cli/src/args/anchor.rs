//! `anchor ...`: the heads of the store and of the vaults that are kept elsewhere.

use clap::{Args, Subcommand};
use strongroom::AnchoredHead;

/// The verbs. Where the anchors are is told by `--anchor` and `--vault-anchor`.
#[derive(Debug, Subcommand)]
pub(crate) enum AnchorCommand {
    /// Take a restored store, or restored vaults, in place of the newer state that the anchor has seen.
    Accept(Sides),
    /// Begin to keep the head in the anchors given, of what has none yet or has lost its own.
    Begin,
    /// Compare with heads that were written down: exit 1 unless the store has come as far.
    Check(CheckArgs),
    /// Open without an anchor from now on.
    End(Sides),
    /// The present heads, to be written down; and the rollbacks that were accepted.
    Show,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Sides {
    /// The store.
    #[arg(long)]
    pub(crate) store: bool,
    /// The key vaults.
    #[arg(long)]
    pub(crate) key_vaults: bool,
}

/// `anchor check`.
#[derive(Clone, Copy, Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct CheckArgs {
    /// A head of the store, as `anchor show` printed it.
    #[arg(long, value_name = "HEAD")]
    pub(crate) head: Option<AnchoredHead>,
    /// A head of the key vaults.
    #[arg(long, value_name = "HEAD")]
    pub(crate) vault_head: Option<AnchoredHead>,
}
