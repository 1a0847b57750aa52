//! Content as several states of blobs share it: sharing it, giving it up, walking it.

use strongroom_engine::tree::Txn;

use super::entries::Entry;
use super::record::{BlobContent, Extent};
use super::{manifest, page};
use crate::commit::Failure;
use crate::container::record::Source;
use crate::error::{Error, ErrorKind, Result};

impl BlobContent {
    /// Content that one more record refers to. The record that holds `self` must be written again: what was
    /// its own has become a manifest. Copies no data; costs the same whatever the length.
    pub(crate) fn share(&mut self, txn: &mut Txn<'_>) -> Result<Self, Failure> {
        match self {
            Self::Own(extents) if extents.is_empty() => {}
            Self::Own(extents) => {
                let entry = |extent: &Extent| Entry {
                    block: None,
                    extent: extent.clone(),
                };
                let entries: Vec<Entry> = extents.iter().map(entry).collect();
                let id = manifest::write(txn, &entries)?;
                manifest::add_reference(txn, id)?;
                *self = Self::Manifest {
                    id,
                    entries: entries.len() as u64,
                    blocks: 0,
                };
            }
            Self::Manifest { id, .. } => manifest::add_reference(txn, *id)?,
            Self::Pages { .. } => page::map::share(txn, self.view()?)?,
        }
        Ok(self.clone())
    }

    /// Gives up everything the content refers to, because the record that holds it goes away.
    pub(crate) fn release(&self, txn: &mut Txn<'_>) -> Result<(), Failure> {
        match self {
            Self::Own(extents) => {
                for extent in extents {
                    txn.release_body(&extent.body)?;
                }
                Ok(())
            }
            Self::Manifest { id, .. } => manifest::release(txn, *id),
            Self::Pages { .. } => page::map::release(txn, self.view()?),
        }
    }

    /// Calls `visit` with every extent, in order.
    pub(crate) fn for_each_extent(
        &self,
        source: &impl Source,
        mut visit: impl FnMut(&Extent) -> Result<()>,
    ) -> Result<()> {
        match self {
            Self::Own(extents) => extents.iter().try_for_each(visit),
            Self::Manifest { id, entries, .. } => {
                for number in 0..manifest::parts(*entries)? {
                    let part = manifest::part(source, *id, (number, *entries))?;
                    part.entries.iter().try_for_each(|entry| visit(&entry.extent))?;
                }
                Ok(())
            }
            Self::Pages { .. } => {
                let (view, mut first) = (self.view()?, 0);
                while let Some((number, span)) = page::map::next_span(source, view, first)? {
                    span.0.iter().try_for_each(|piece| visit(&piece.extent))?;
                    first = number + 1;
                }
                Ok(())
            }
        }
    }
}

/// Content of a kind that this release never writes.
pub(crate) fn unreadable() -> Error {
    let message = "the content of a blob is of a kind that this release does not know";
    Error::new(ErrorKind::Corrupt, "InternalError", 500, message).hint("use a newer release")
}
