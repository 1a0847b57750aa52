//! Making a blob: the one way in which a new base takes the place of whatever had its name.
//!
//! A creator says what it makes, gives the content inside the transaction, and gets the record back. Lease,
//! immutability, conditions, history and tags are looked after here, for every type of blob.

use strongroom_engine::tree::Txn;

use super::Conditions;
use super::history::History;
use super::properties::{BlobType, ContentHeaders};
use super::record::{
    AccessTier, BlobContent, BlobRecord, ImmutabilityPolicy, NewBlob, SealedMetadata, TierState, key,
};
use super::{immutability, source, tier};
use crate::account::AccountCore;
use crate::commit::Failure;
use crate::container::Container;
use crate::container::record::{ContainerId, ContainerRecord};
use crate::encryption::{BlobKeys, EncryptionChoice};
use crate::error::Result;
use crate::etag::ETag;
use crate::lease::Lease;
use crate::metadata::Metadata;
use crate::names::{BlobName, ContainerName};
use crate::operations::{Operation, UserMetadata};
use crate::tags::Tags;

/// What a new blob is given besides its content.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    pub(super) headers: ContentHeaders,
    pub(super) metadata: Option<SealedMetadata>,
    pub(super) tags: Tags,
    pub(super) content_md5: Option<[u8; 16]>,
    pub(super) tier: Option<AccessTier>,
    pub(super) immutability: Option<ImmutabilityPolicy>,
    pub(super) legal_hold: bool,
}

/// What a blob that begins without content is given. The default replaces whatever is there and attaches
/// nothing.
#[derive(Clone, Debug, Default)]
pub struct CreateBlobOptions {
    /// Media type and the like.
    pub headers: ContentHeaders,
    /// User metadata.
    pub metadata: Metadata,
    /// What must hold of the blob that is there.
    pub conditions: Conditions,
    /// Kept as it is given; not compared with the content.
    pub content_md5: Option<[u8; 16]>,
    /// Index tags.
    pub tags: Tags,
    /// How readily the content of a page blob can be read: P4 to P80. Append blobs have none.
    pub tier: Option<AccessTier>,
    /// What everything written to it is sealed under.
    pub encryption: EncryptionChoice,
    /// Until when the blob may be neither changed nor deleted.
    pub immutability: Option<ImmutabilityPolicy>,
    /// Whether it may be neither changed nor deleted until the hold is lifted.
    pub legal_hold: bool,
}

impl CreateBlobOptions {
    /// Everything about a Put Blob of that type but its content, after the checks that show already.
    pub(super) fn prepare(
        &self,
        container: &Container,
        name: &BlobName,
        blob_type: BlobType,
    ) -> Result<(Making, Given)> {
        let core = &container.core;
        let making = Making {
            container: container.name.clone(),
            name: name.clone(),
            blob_type,
            operation: Operation::PutBlob,
            touched: UserMetadata::given(&self.metadata),
            conditions: self.conditions.clone(),
            keys: core.keys_for_new(&container.name, &self.encryption)?,
            unchanged: None,
        };
        making.check(core)?;
        self.headers.check()?;
        if let Some(policy) = self.immutability {
            policy.check(core.clock.now())?;
        }
        let given = Given {
            headers: self.headers.clone(),
            metadata: SealedMetadata::seal(core, &making.keys, &self.metadata)?,
            tags: self.tags.clone(),
            content_md5: self.content_md5,
            tier: self.tier,
            immutability: self.immutability,
            legal_hold: self.legal_hold,
        };
        Ok((making, given))
    }
}

/// What is made, and what has to hold for it.
#[derive(Clone, Debug)]
pub(super) struct Making {
    pub(super) container: ContainerName,
    pub(super) name: BlobName,
    pub(super) blob_type: BlobType,
    pub(super) operation: Operation,
    pub(super) touched: UserMetadata,
    pub(super) conditions: Conditions,
    pub(super) keys: BlobKeys,
    /// The tag that the base must still have where its own content is put in its place.
    pub(super) unchanged: Option<ETag>,
}

/// A base about to be replaced, inside a transaction, after every check.
pub(super) struct Replacing<'a> {
    core: &'a AccountCore,
    making: &'a Making,
    pub(super) container: ContainerId,
    /// What had the name.
    pub(super) old: Option<BlobRecord>,
    /// True if the content of `old` goes away with it.
    pub(super) gone: bool,
    pub(super) history: History<'a>,
}

impl Making {
    /// The checks that show before the content has come.
    pub(super) fn check(&self, core: &AccountCore) -> Result<()> {
        let container = ContainerRecord::read(&core.tree, &self.container)?.id;
        self.operation.admit(self.touched, &self.keys.guard)?;
        let old = BlobRecord::find(&core.tree, container, &self.name)?;
        BlobRecord::check_replace(
            old.as_ref(),
            &self.conditions,
            &History::of(core, (container, &self.name)),
        )
    }

    /// All checks, inside the transaction. What is kept of the old base is kept.
    pub(super) fn begin<'a>(
        &'a self,
        core: &'a AccountCore,
        txn: &mut Txn<'_>,
    ) -> Result<Replacing<'a>, Failure> {
        let container = ContainerRecord::read(txn, &self.container)?;
        self.keys.admit_commit((self.operation, self.touched), txn)?;
        container.encryption.permit(&self.keys.details)?;
        let container = container.id;
        let old = BlobRecord::find(txn, container, &self.name)?;
        let history = History::of(core, (container, &self.name));
        BlobRecord::check_replace(old.as_ref(), &self.conditions, &history)?;
        if let Some(tag) = self.unchanged
            && old.as_ref().map(|old| old.etag) != Some(tag)
        {
            return Err(source::changed().into());
        }
        let keeps_type = matches!(
            self.operation,
            Operation::PutBlockList | Operation::CopyBlob | Operation::CopyBlobFromUrl
        );
        if let Some(old) = old.as_ref().filter(|_| keeps_type) {
            old.require_type(self.blob_type)?;
        }
        let gone = history.replace(txn, old.as_ref(), self.blob_type)?;
        Ok(Replacing {
            core,
            making: self,
            container,
            old,
            gone,
            history,
        })
    }
}

impl Replacing<'_> {
    /// Gives up the content of the old base, if it goes away.
    pub(super) fn release_old(&self, txn: &mut Txn<'_>) -> Result<(), Failure> {
        match self.old.as_ref().filter(|_| self.gone) {
            Some(old) => old.content.release(txn),
            None => Ok(()),
        }
    }

    /// The record of the new base, not yet stored.
    pub(super) fn record(
        &self,
        txn: &mut Txn<'_>,
        (content, length): (BlobContent, u64),
        given: &Given,
    ) -> Result<BlobRecord, Failure> {
        let (now, old) = (self.history.now, self.old.as_ref());
        if let Some(tier) = given.tier {
            tier.check_type(self.making.blob_type)?;
            tier::check_capacity(tier, length)?;
            tier::check_encryption(tier, &self.making.keys.details)?;
        }
        let record = BlobRecord::new(NewBlob {
            blob_type: self.making.blob_type,
            created: old.map_or(now, |old| old.created),
            last_modified: now.whole_seconds(),
            etag: match old {
                Some(old) => old.etag.next(&self.core.etags, now),
                None => self.core.etags.first(now),
            },
            headers: given.headers.clone(),
            length,
            content,
        });
        Ok(BlobRecord {
            content_md5: given.content_md5,
            metadata: given.metadata.clone(),
            encryption: self.making.keys.details.clone(),
            lease: old.map_or(Lease::None, |old| old.lease.after_write(now)),
            tier: TierState::given(given.tier, now),
            tags: given.tags.to_pairs(),
            version: self.history.new_version(txn)?,
            immutability: given.immutability,
            legal_hold: given.legal_hold,
            ..record
        })
    }

    /// Stores the new base.
    pub(super) fn write(&self, txn: &mut Txn<'_>, record: &BlobRecord) -> Result<(), Failure> {
        immutability::remember(txn, self.container, &self.making.name, record)?;
        record.write(txn, &key(self.container, &self.making.name))
    }
}
