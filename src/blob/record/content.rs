//! Where a blob's content is: extents of its own, or something that states of blobs share.

use serde::{Deserialize, Serialize};
use strongroom_engine::body::BodyRef;

use super::super::ids::ContentId;

/// A range of a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Extent {
    pub(crate) body: BodyRef,
    pub(crate) start: u64,
    pub(crate) length: u64,
}

/// Where a blob's content is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum BlobContent {
    /// At most four extents; each holds one reference to its body and nobody else refers to
    /// this list.
    Own(Vec<Extent>),
    /// The first `entries` entries of a manifest, which others may refer to as well.
    Manifest {
        /// The manifest.
        id: ContentId,
        /// How many of its entries this state sees: the manifest of an append blob grows.
        entries: u64,
        /// How many of them are blocks; 0 for content that was not made of blocks.
        blocks: u32,
    },
    /// The pages of a page map as they were at `generation`.
    Pages {
        /// The page map.
        map: ContentId,
        /// Nodes of later generations are not part of this state.
        generation: u64,
        /// True for what was copied: the map is the source's to go on with.
        borrowed: bool,
    },
}

impl BlobContent {
    /// The same as the content of a copy.
    pub(crate) fn borrowed(self) -> Self {
        match self {
            Self::Pages { map, generation, .. } => Self::Pages {
                map,
                generation,
                borrowed: true,
            },
            other => other,
        }
    }

    /// No bytes.
    pub(crate) fn empty() -> Self {
        Self::Own(Vec::new())
    }
}
