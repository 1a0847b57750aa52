//! What a copy under way has copied so far: entries of a manifest, or pages of a map.

use serde::{Deserialize, Serialize};
use strongroom_engine::body::BodyRef;
use strongroom_engine::tree::Txn;

use super::Changed;
use super::reading::Piece;
use crate::blob::entries::Entry;
use crate::blob::ids::ContentId;
use crate::blob::page::map::{self, View};
use crate::blob::record::{BlobContent, Extent};
use crate::blob::{BlobType, manifest, manifest_append};

/// A variant's place is on disk: never reorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum CopiedContent {
    Entries {
        manifest: ContentId,
        entries: u64,
        blocks: u32,
    },
    Pages(View),
}

impl CopiedContent {
    /// Adds a piece to what was copied before it.
    pub(super) fn add(
        txn: &mut Txn<'_>,
        before: Option<Self>,
        (piece, blob_type, body): (&Piece, BlobType, BodyRef),
    ) -> Changed<Self> {
        let view = match (before, blob_type) {
            (Some(Self::Pages(view)), _) => Some(view),
            (None, BlobType::PageBlob) => Some(map::create(txn)?),
            _ => None,
        };
        if let Some(view) = view {
            map::replace(txn, view, (piece.position, piece.end()), Some(&body))?;
            return Ok(Self::Pages(view));
        }
        let block = piece.block.clone();
        let is_block = u32::from(block.is_some());
        let extent = Extent {
            body,
            start: 0,
            length: piece.length,
        };
        let entry = Entry { block, extent };
        Ok(match before {
            Some(Self::Entries {
                manifest,
                entries,
                blocks,
            }) => Self::Entries {
                manifest: manifest_append::append(txn, (manifest, entries), entry)?,
                entries: entries + 1,
                blocks: blocks + is_block,
            },
            _ => Self::Entries {
                manifest: manifest::write(txn, &[entry])?,
                entries: 1,
                blocks: is_block,
            },
        })
    }

    /// The content of a blob that takes the reference over.
    pub(super) fn into_content(self) -> BlobContent {
        match self {
            Self::Entries {
                manifest: id,
                entries,
                blocks,
            } => BlobContent::Manifest { id, entries, blocks },
            Self::Pages(view) => BlobContent::pages(view),
        }
    }
}
