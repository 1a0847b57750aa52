//! A copy within an account and under the same keys: one transaction, in which source and copy come to share
//! content.

use std::sync::Arc;

use strongroom_engine::tree::Txn;

use super::{Changed, CopyReceipt, Copying};
use crate::blob::BlobVersionRef;
use crate::blob::history::{self, Kind};
use crate::blob::record::{BlobRecord, CopyStatus, key};
use crate::blob::source::of_source;
use crate::blob::staged::Staging;
use crate::blob::tier::past_version;
use crate::container::record::{ContainerId, ContainerRecord};
use crate::error::Result;
use crate::operations::UserMetadata;

impl Copying {
    /// Copies within the account.
    pub(super) fn within_account(self) -> Result<CopyReceipt> {
        let core = Arc::clone(&self.core);
        core.transact(move |txn| self.share(txn))
    }

    fn share(&self, txn: &mut Txn<'_>) -> Changed<CopyReceipt> {
        ContainerRecord::read(txn, &self.container)?;
        self.operation
            .admit_commit(UserMetadata::Touched, &self.keys.guard, txn)?;
        let now = self.core.clock.now();
        let (mut source, place) = self.find_source(txn)?;
        self.check_source(&source, now)?;
        // Content that is shared stays under the keys it is under.
        source.encryption.check_same(&self.keys.details)?;
        let content = source.content.share(txn)?.borrowed();
        source.write(txn, &place)?;

        let making = self.making(source.blob_type);
        let replacing = making.begin(&self.core, txn)?;
        replacing.release_old(txn)?;
        Staging::discard(txn, replacing.container, &self.name)?;
        let given = self.given(&source, source.metadata.clone())?;
        let made = replacing.record(txn, (content, source.length), &given)?;
        let record = self.finish(made, &source, (CopyStatus::Success, now))?;
        replacing.write(txn, &record)?;
        Ok(self.receipt(&record))
    }

    /// The source's record and its key.
    pub(super) fn find_source(&self, txn: &Txn<'_>) -> Result<(BlobRecord, Vec<u8>)> {
        let (name, which) = (&self.source.name, self.source.which);
        let found = || {
            let container = ContainerRecord::read(txn, &self.source.container.name)?.id;
            let record = BlobRecord::read_state(txn, (container, name), which)?;
            Ok((record, self.source_key(txn, container)?))
        };
        found().map_err(|error| of_source(&error))
    }

    /// The key of the source's record.
    fn source_key(&self, txn: &Txn<'_>, container: ContainerId) -> Result<Vec<u8>> {
        let name = &self.source.name;
        Ok(match self.source.which {
            BlobVersionRef::Snapshot(time) => history::key(container, name, (time, Kind::Snapshot)),
            BlobVersionRef::Version(id) if past_version(txn, (container, name), id)? => {
                history::key(container, name, (id, Kind::Version))
            }
            BlobVersionRef::Base | BlobVersionRef::Version(_) => key(container, name),
        })
    }
}
