//! The anchors of the store and of the vaults, and what a command wants of them.

use strongroom::{AnchorMode, AnchoredHead, FileAnchor, StoreOptions, VaultOptions};

use super::Session;
use crate::output::error::Failure;

/// How the store (first) and the vaults (second) are opened. Default: compared with their anchors, if any.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Anchors {
    /// What to do about differences.
    pub(crate) modes: [AnchorMode; 2],
    /// Heads that were written down.
    pub(crate) expected: [Option<AnchoredHead>; 2],
}

impl Session {
    /// How this command opens the store and the vaults; said before either is opened.
    pub(crate) fn open_as(&self, anchors: Anchors) {
        // Said once: nothing is open yet.
        let _ = self.anchors.set(anchors);
    }

    /// Where the vaults stand, if they are anchored.
    pub(crate) fn vault_head(&self) -> Result<Option<AnchoredHead>, Failure> {
        if self.vaults_are_missing().is_some() {
            return Ok(None);
        }
        Ok(self.open_vaults()?.head())
    }

    pub(super) fn anchored_store(&self, mut options: StoreOptions) -> StoreOptions {
        let Anchors { modes, expected } = self.anchors.get().copied().unwrap_or_default();
        if let Some(path) = &self.places.anchor {
            options = options.anchor(FileAnchor::new(path));
        }
        if let Some(head) = expected[0] {
            options = options.expect_head(head);
        }
        options.anchor_mode(modes[0])
    }

    pub(super) fn anchored_vaults(&self, mut options: VaultOptions) -> VaultOptions {
        let Anchors { modes, expected } = self.anchors.get().copied().unwrap_or_default();
        if let Some(path) = &self.places.vault_anchor {
            options = options.anchor(FileAnchor::new(path));
        }
        if let Some(head) = expected[1] {
            options = options.expect_head(head);
        }
        options.anchor_mode(modes[1])
    }
}
