//! A copy that seals everything anew and is done at once, between accounts or encryption scopes: nothing is
//! visible until everything is there.

use std::sync::Arc;

use strongroom_engine::body::FinishedBody;
use strongroom_engine::tree::Txn;

use super::reading::{Piece, Reading};
use super::{Changed, CopyReceipt, Copying};
use crate::blob::entries::Entry;
use crate::blob::page::map;
use crate::blob::record::{BlobContent, BlobRecord, CopyStatus, Extent, SealedMetadata};
use crate::blob::staged::Staging;
use crate::blob::{BlobType, BlobVersionRef, manifest};
use crate::error::Result;

/// Extents that stand in the record itself.
const OWN_EXTENTS_MAX: usize = 4;

/// What has been sealed for the destination.
#[derive(Clone)]
struct Taken {
    piece: Piece,
    body: FinishedBody,
}

impl Copying {
    /// Copies everything, then makes it visible in one commit.
    pub(super) fn whole(mut self) -> Result<CopyReceipt> {
        let now = self.core.clock.now();
        let reading = Reading::open(&self.source, |source| self.check_source(source, now))?;
        self.keys = self.keys.fed_by(reading.guard());
        let is_itself = self.source.which == BlobVersionRef::Base
            && self.source.is_of(&self.core, (&self.container, &self.name));
        self.unchanged = is_itself.then_some(reading.record.etag);
        self.making(reading.record.blob_type).check(&self.core)?;
        let metadata = self.reseal(&reading)?;
        let mut taken = Vec::new();
        if let Err(error) = self.take_all(&reading, &mut taken) {
            let bodies: Vec<_> = taken.into_iter().map(|taken| taken.body).collect();
            self.core.abandon(&bodies);
            return Err(error);
        }
        let bodies: Vec<_> = taken.iter().map(|taken| taken.body.clone()).collect();
        let (core, keys) = (Arc::clone(&self.core), self.keys.clone());
        let adopted = core.transact_adopting_all(&bodies, move |txn| {
            self.adopt(txn, (&reading.record, metadata.clone()), &taken)
        });
        adopted.map_err(|error| keys.explain(error))
    }

    /// The source's metadata under the destination's key, unless the options have some.
    pub(super) fn reseal(&self, reading: &Reading) -> Result<Option<SealedMetadata>> {
        if self.metadata.is_some() {
            return Ok(None);
        }
        SealedMetadata::seal(&self.core, &self.keys, &reading.metadata()?)
    }

    fn take_all(&self, reading: &Reading, taken: &mut Vec<Taken>) -> Result<()> {
        let mut position = 0;
        while let Some(piece) = reading.piece(position)? {
            let sealed = reading.take((&self.core, &self.keys), &piece)?;
            position = piece.end();
            let body = sealed.body;
            taken.push(Taken { piece, body });
        }
        Ok(())
    }

    fn adopt(
        &self,
        txn: &mut Txn<'_>,
        (source, metadata): (&BlobRecord, Option<SealedMetadata>),
        taken: &[Taken],
    ) -> Changed<CopyReceipt> {
        let making = self.making(source.blob_type);
        let replacing = making.begin(&self.core, txn)?;
        replacing.release_old(txn)?;
        Staging::discard(txn, replacing.container, &self.name)?;
        let content = match source.blob_type {
            BlobType::PageBlob => pages_of(txn, taken)?,
            BlobType::BlockBlob | BlobType::AppendBlob => content_of(txn, taken)?,
        };
        let given = self.given(source, metadata)?;
        let made = replacing.record(txn, (content, source.length), &given)?;
        let now = replacing.history.now;
        let record = self.finish(made, source, (CopyStatus::Success, now))?;
        replacing.write(txn, &record)?;
        Ok(self.receipt(&record))
    }
}

fn pages_of(txn: &mut Txn<'_>, taken: &[Taken]) -> Changed<BlobContent> {
    let view = map::create(txn)?;
    for Taken { piece, body } in taken {
        let body = txn.adopt_body(body)?;
        map::replace(txn, view, (piece.position, piece.end()), Some(&body))?;
    }
    Ok(BlobContent::pages(view))
}

fn content_of(txn: &mut Txn<'_>, taken: &[Taken]) -> Changed<BlobContent> {
    let mut entries = Vec::with_capacity(taken.len());
    for Taken { piece, body } in taken {
        let extent = Extent {
            body: txn.adopt_body(body)?,
            start: 0,
            length: piece.length,
        };
        let block = piece.block.clone();
        entries.push(Entry { block, extent });
    }
    let blocks = entries.iter().filter(|entry| entry.block.is_some()).count();
    if blocks == 0 && entries.len() <= OWN_EXTENTS_MAX {
        let extents = entries.into_iter().map(|entry| entry.extent);
        return Ok(BlobContent::Own(extents.collect()));
    }
    Ok(BlobContent::Manifest {
        id: manifest::write(txn, &entries)?,
        entries: entries.len() as u64,
        blocks: u32::try_from(blocks).unwrap_or(u32::MAX),
    })
}
