//! What has to hold before a blob is read or changed, always in this order: lease, pending copy,
//! immutability, conditions.

use strongroom_engine::Timestamp;

use super::BlobRecord;
use crate::account::AccountCore;
use crate::blob::conditions::{Conditions, Subject};
use crate::blob::history::History;
use crate::encryption::EncryptionChoice;
use crate::error::{Error, ErrorKind, Result};
use crate::lease::{Leasable, Lease};

impl BlobRecord {
    /// What conditions are checked against.
    pub(crate) fn subject(&self) -> Subject<'_> {
        Subject {
            etag: self.etag,
            last_modified: self.last_modified,
            tags: Some(&self.tags),
        }
    }

    /// Checks a read: a lease is not needed, but one that is given must be right.
    pub(crate) fn check_read(&self, conditions: &Conditions, now: Timestamp) -> Result<()> {
        self.check_there(now)?;
        self.lease.check_read(conditions.lease, now, Leasable::Blob)?;
        conditions.check_read(self.subject())
    }

    /// Fails unless the key that seals the content is the one that was chosen.
    pub(crate) fn check_encryption(&self, choice: &EncryptionChoice) -> Result<()> {
        self.encryption.check(choice)
    }

    /// Checks a change of content, metadata or headers, and a deletion.
    pub(crate) fn check_write(&self, conditions: &Conditions, now: Timestamp) -> Result<()> {
        self.check_there(now)?;
        self.lease.check_write(conditions.lease, now, Leasable::Blob)?;
        self.check_settled()?;
        self.check_immutability(now)?;
        conditions.check_write(Some(self.subject()))
    }

    /// Checks a change that immutability allows: tier, tags, expiry, the policy itself.
    pub(crate) fn check_note(&self, conditions: &Conditions, now: Timestamp) -> Result<()> {
        self.check_there(now)?;
        self.lease.check_write(conditions.lease, now, Leasable::Blob)?;
        self.check_settled()?;
        conditions.check_write(Some(self.subject()))
    }

    /// Checks a change of the base: one that is kept as a previous version may change, immutable or not.
    pub(crate) fn check_change(&self, conditions: &Conditions, history: &History<'_>) -> Result<()> {
        if history.is_versioned(self) {
            self.check_note(conditions, history.now)
        } else {
            self.check_write(conditions, history.now)
        }
    }

    /// Checks what needs no lease: one that is given must be right.
    pub(crate) fn check_unleased(&self, conditions: &Conditions, now: Timestamp) -> Result<()> {
        self.check_there(now)?;
        self.lease.check_read(conditions.lease, now, Leasable::Blob)?;
        self.check_settled()?;
        conditions.check_write(Some(self.subject()))
    }

    /// Checks a write that makes a blob or replaces `old`.
    pub(crate) fn check_replace(
        old: Option<&Self>,
        conditions: &Conditions,
        history: &History<'_>,
    ) -> Result<()> {
        let now = history.now;
        let old = old.filter(|old| !old.is_expired(now));
        let lease = old.map_or(Lease::None, |old| old.lease);
        lease.check_write(conditions.lease, now, Leasable::Blob)?;
        if let Some(old) = old {
            old.check_settled()?;
        }
        if let Some(old) = old.filter(|old| !history.is_versioned(old)) {
            old.check_immutability(now)?;
        }
        conditions.check_put(old.map(Self::subject))
    }

    /// Fails if the blob has expired and only waits for the maintenance.
    pub(crate) fn check_there(&self, now: Timestamp) -> Result<()> {
        if self.is_expired(now) {
            Err(Self::not_found())
        } else {
            Ok(())
        }
    }

    /// Fails while a legal hold or a policy forbids to change or delete the blob.
    pub(crate) fn check_immutability(&self, now: Timestamp) -> Result<()> {
        let conflict = |code, message| Err(Error::new(ErrorKind::Conflict, code, 409, message));
        if self.legal_hold {
            return conflict(
                "BlobImmutableDueToLegalHold",
                "This operation is not permitted as the blob is immutable due to one or more legal holds.",
            );
        }
        if self.immutability.is_some_and(|policy| now < policy.until) {
            return conflict(
                "BlobImmutableDueToPolicy",
                "This operation is not permitted as the blob is immutable due to a policy.",
            );
        }
        Ok(())
    }

    /// Gives the record tag and time of a change, and forgets a lease that has ended.
    pub(crate) fn touch(&mut self, core: &AccountCore, now: Timestamp) {
        self.etag = self.etag.next(&core.etags, now);
        self.last_modified = now.whole_seconds();
        self.lease = self.lease.after_write(now);
    }
}
