//! A copy between accounts of a store that is done by and by: the maintenance copies a piece at a time.
//!
//! What is to be done is a record of its own, under the copy's id; it names the source and holds what has
//! been copied. It is deleted with the commit that ends the copy. A step that finds its destination gone or
//! at another copy gives up what was copied.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_engine::Timestamp;
use strongroom_engine::body::FinishedBody;
use strongroom_engine::codec::{Record, decode, encode};
use strongroom_engine::engine::{KeyRange, Order};
use strongroom_engine::keys::ScopeId;
use strongroom_engine::tree::Txn;
use uuid::Uuid;

use super::copied::CopiedContent;
use super::reading::{Piece, Reading};
use super::{Changed, CopyReceipt, Copying};
use crate::account::AccountCore;
use crate::blob::page::map::{self};
use crate::blob::record::{BlobContent, BlobRecord, CopyStatus, key};
use crate::blob::source::{BlobSource, changed, of_source};
use crate::blob::staged::Staging;
use crate::blob::{BlobType, BlobVersionRef, Conditions, EncryptionDetails};
use crate::container::record::{ContainerId, Source};
use crate::encryption::{BlobKeys, EncryptionChoice};
use crate::error::{Error, ErrorKind, Result};
use crate::etag::ETag;
use crate::names::{BlobName, ContainerName};
use crate::operations::{Operation, UserMetadata};
use crate::rooms;

/// A copy that is not done by then has failed.
const LIFE: Duration = Duration::from_secs(14 * 86_400);

/// A copy under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Job {
    /// The destination.
    container: ContainerId,
    name: String,
    /// The source.
    account: ScopeId,
    account_name: String,
    source_container: String,
    source_name: String,
    snapshot: Option<Timestamp>,
    version: Option<Timestamp>,
    /// The source is copied only as it was.
    etag: ETag,
    /// What has been copied.
    copied: Option<Copied>,
}

/// What was copied so far, and up to which byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Copied {
    content: CopiedContent,
    bytes: u64,
}

impl Record for Job {
    const NAME: &'static str = "copy under way";
    const VERSION: u8 = 2;
    const OLDEST: u8 = 2;
}

impl Copying {
    /// Makes the destination, empty, and leaves the content to the maintenance.
    pub(super) fn begin_job(mut self) -> Result<CopyReceipt> {
        let now = self.core.clock.now();
        let reading = Reading::open(&self.source, |source| self.check_source(source, now))?;
        if self.is_for_now(&reading)? {
            return self.whole();
        }
        self.keys = self.keys.fed_by(reading.guard());
        let metadata = self.reseal(&reading)?;
        let source = reading.record;
        let (core, keys) = (Arc::clone(&self.core), self.keys.clone());
        let begun = core.transact(move |txn| {
            let making = self.making(source.blob_type);
            let replacing = making.begin(&self.core, txn)?;
            replacing.release_old(txn)?;
            Staging::discard(txn, replacing.container, &self.name)?;
            let given = self.given(&source, metadata.clone())?;
            let nothing = match source.blob_type {
                BlobType::PageBlob => BlobContent::pages(map::create(txn)?),
                BlobType::BlockBlob | BlobType::AppendBlob => BlobContent::empty(),
            };
            let made = replacing.record(txn, (nothing, 0), &given)?;
            let now = replacing.history.now;
            let record = self.finish(made, &source, (CopyStatus::Pending, now))?;
            replacing.write(txn, &record)?;
            self.job(replacing.container, source.etag).write(txn, self.id)?;
            Ok(self.receipt(&record))
        });
        begun.map_err(|error| keys.explain(error))
    }

    /// True if there is nothing to do later, or later would be too late: a key that came with the request is
    /// not kept, and a blob that is copied onto itself is gone once its place is taken.
    fn is_for_now(&self, reading: &Reading) -> Result<bool> {
        let is_provided = |details: &EncryptionDetails| details.customer_key_sha256.is_some();
        Ok(self.source.is_of(&self.core, (&self.container, &self.name))
            || is_provided(&self.keys.details)
            || is_provided(&reading.record.encryption)
            || reading.piece(0)?.is_none())
    }

    fn job(&self, container: ContainerId, etag: ETag) -> Job {
        let source = &self.source;
        Job {
            container,
            name: self.name.as_str().to_owned(),
            account: source.container.core.id,
            account_name: source.container.core.name.clone(),
            source_container: source.container.name.as_str().to_owned(),
            source_name: source.name.as_str().to_owned(),
            snapshot: source.which.snapshot(),
            version: source.which.version(),
            etag,
            copied: None,
        }
    }
}

/// Copies a piece, in one commit; false if no copy is under way. One that cannot go on now, as when a vault
/// does not answer, does not keep the others from going on.
///
/// # Errors
/// When copies are under way and none can go on. What else goes wrong ends the copy.
pub(crate) fn step(core: &Arc<AccountCore>) -> Result<bool> {
    let mut range = KeyRange::prefix(&[rooms::COPIES]);
    let mut failed = None;
    while let Some((key, bytes)) = core.tree.range(&range, Order::Ascending, 1)?.pop() {
        match carry_on(core, &key, &bytes) {
            Ok(()) => return Ok(true),
            Err(error) => {
                tracing::warn!(account = core.name, %error, "a copy cannot go on now");
                failed.get_or_insert(error);
            }
        }
        range.start = [key.as_slice(), &[0]].concat();
    }
    failed.map_or(Ok(false), Err)
}

fn carry_on(core: &Arc<AccountCore>, key: &[u8], bytes: &[u8]) -> Result<()> {
    let id = key
        .get(1..)
        .and_then(|id| id.try_into().ok())
        .map(Uuid::from_bytes);
    let id = id.ok_or_else(damaged)?;
    let job: Job = decode(bytes)?;
    match job.advance(core, id) {
        Err(error) if !matches!(error.kind(), ErrorKind::Store | ErrorKind::Io) => {
            tracing::warn!(account = core.name, copy = %id, %error, "a copy failed");
            job.end(core, (id, &error))?;
        }
        advanced => advanced?,
    }
    Ok(())
}

impl Job {
    fn advance(&self, core: &Arc<AccountCore>, id: Uuid) -> Result<()> {
        let name = BlobName::parse(&self.name)?;
        let Some(destination) = self.destination(&core.tree, (&name, id))? else {
            return core.transact(move |txn| drop_job(txn, id));
        };
        // Nothing touches it while the copy is under way.
        if destination.last_modified.plus(LIFE) <= core.clock.now() {
            return Err(too_old());
        }
        let keys = core.keys_of(&destination.encryption, &EncryptionChoice::Default)?;
        Operation::CopyBlob.admit(UserMetadata::Touched, &keys.guard)?;
        let source = self.source(core)?;
        let unchanged = |record: &BlobRecord| match record.etag == self.etag {
            true => {
                let now = core.clock.now();
                record.check_there(now)?;
                // Its tag does not tell that it was archived meanwhile.
                record.check_online(now).map_err(|error| of_source(&error))
            }
            false => Err(changed()),
        };
        let reading = Reading::open(&source, unchanged)?;
        let keys = keys.fed_by(reading.guard());
        let position = self.copied.map_or(0, |copied| copied.bytes);
        let Some(piece) = reading.piece(position)? else {
            return Err(damaged());
        };
        let is_last = reading.piece(piece.end())?.is_none();
        let sealed = reading.take((core, &keys), &piece)?;
        let step = Step {
            core: Arc::clone(core),
            keys: keys.clone(),
            job: self.clone(),
            id,
            name,
            piece,
            is_last,
            source: reading.record.clone(),
        };
        let adopted = sealed.body.clone();
        let carried = core.transact_adopting(&sealed.body, move |txn| step.run(txn, &adopted));
        match carried.map_err(|error| keys.explain(error))? {
            Carried::On => {}
            Carried::Overtaken => core.abandon(&[sealed.body]),
        }
        Ok(())
    }

    /// The source as it is called now.
    fn source(&self, core: &AccountCore) -> Result<BlobSource> {
        let accounts = core.siblings.upgrade().ok_or_else(crate::store::closed)?;
        let account = accounts.get(&self.account_name.parse()?)?;
        if account.core.id != self.account {
            return Err(crate::account::not_found(&self.account_name));
        }
        let container = account.container(&ContainerName::parse(&self.source_container)?);
        let which = match (self.snapshot, self.version) {
            (Some(time), _) => BlobVersionRef::Snapshot(time),
            (None, Some(id)) => BlobVersionRef::Version(id),
            (None, None) => BlobVersionRef::Base,
        };
        Ok(BlobSource {
            which,
            conditions: Conditions::default(),
            ..BlobSource::new(&container, BlobName::parse(&self.source_name)?)
        })
    }

    /// The blob this copy makes, if it is still about that.
    fn destination(&self, source: &impl Source, (name, id): (&BlobName, Uuid)) -> Result<Option<BlobRecord>> {
        let record = BlobRecord::find(source, self.container, name)?;
        Ok(record.filter(|record| {
            let copy = record.copy.as_ref();
            copy.is_some_and(|copy| copy.id == id && copy.status == CopyStatus::Pending)
        }))
    }

    /// Ends the copy because of `error`. Needs no key.
    fn end(&self, core: &Arc<AccountCore>, (id, error): (Uuid, &Error)) -> Result<()> {
        let (job, name) = (self.clone(), BlobName::parse(&self.name)?);
        let description = format!("{} {} {}", error.status(), error.code(), error.message());
        let (core, ended) = (Arc::clone(core), Arc::clone(core));
        core.transact(move |txn| {
            let now = ended.clock.now();
            if let Some(mut record) = job.destination(txn, (&name, id))? {
                if let Some(copy) = &mut record.copy {
                    copy.status = CopyStatus::Failed;
                    copy.completed = Some(now);
                    copy.description = Some(description.clone());
                }
                record.touch(&ended, now);
                record.write(txn, &key(job.container, &name))?;
            }
            drop_job(txn, id)
        })
    }

    fn write(&self, txn: &mut Txn<'_>, id: Uuid) -> Changed<()> {
        Ok(txn.put(&job_key(id), &encode(self)?)?)
    }
}

/// What became of a piece.
enum Carried {
    On,
    /// The copy was ended, or somebody else was faster.
    Overtaken,
}

/// A piece that has been sealed, on its way into the tree.
struct Step {
    core: Arc<AccountCore>,
    /// Of the destination.
    keys: BlobKeys,
    job: Job,
    id: Uuid,
    name: BlobName,
    piece: Piece,
    is_last: bool,
    source: BlobRecord,
}

impl Step {
    fn run(&self, txn: &mut Txn<'_>, body: &FinishedBody) -> Changed<Carried> {
        self.keys
            .admit_commit((Operation::CopyBlob, UserMetadata::Touched), txn)?;
        let bytes = txn.get(&job_key(self.id))?;
        let job: Option<Job> = bytes.map(|bytes| decode(&bytes)).transpose()?;
        let record = self.job.destination(txn, (&self.name, self.id))?;
        let (Some(mut job), Some(mut record)) = (job.filter(|job| *job == self.job), record) else {
            return Ok(Carried::Overtaken);
        };
        record.encryption.check_same(&self.keys.details)?;
        let body = txn.adopt_body(body)?;
        let before = job.copied.map(|copied| copied.content);
        let copied = Copied {
            content: CopiedContent::add(txn, before, (&self.piece, self.source.blob_type, body))?,
            bytes: if self.is_last {
                self.source.length
            } else {
                self.piece.end()
            },
        };
        job.copied = Some(copied);
        if let Some(copy) = &mut record.copy {
            copy.copied = copied.bytes;
        }
        if self.is_last {
            record.content.release(txn)?;
            self.finish(&mut record, copied.content);
            txn.delete(&job_key(self.id))?;
        } else {
            job.write(txn, self.id)?;
        }
        record.write(txn, &key(job.container, &self.name))?;
        Ok(Carried::On)
    }

    fn finish(&self, record: &mut BlobRecord, copied: CopiedContent) {
        let now = self.core.clock.now();
        if let Some(copy) = &mut record.copy {
            copy.status = CopyStatus::Success;
            copy.completed = Some(now);
        }
        record.content = copied.into_content();
        record.length = self.source.length;
        record.append.blocks = self.source.append.blocks;
        record.content_md5 = self.source.content_md5;
        record.touch(&self.core, now);
    }
}

/// Gives up what was copied; nothing happens if there is no such copy.
pub(super) fn drop_job(txn: &mut Txn<'_>, id: Uuid) -> Changed<()> {
    let Some(bytes) = txn.get(&job_key(id))? else {
        return Ok(());
    };
    txn.delete(&job_key(id))?;
    match decode::<Job>(&bytes)?.copied {
        Some(copied) => copied.content.into_content().release(txn),
        None => Ok(()),
    }
}

fn job_key(id: Uuid) -> Vec<u8> {
    rooms::key(rooms::COPIES, &[id.as_bytes()])
}

fn too_old() -> Error {
    let message = "the copy was not done within two weeks";
    Error::new(ErrorKind::Conflict, "OperationTimedOut", 500, message)
}

fn damaged() -> Error {
    let message = "the record of a copy under way is damaged";
    Error::new(ErrorKind::Corrupt, "InternalError", 500, message)
}
