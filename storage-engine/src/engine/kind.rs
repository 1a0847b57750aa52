//! Which engine keeps the records of a directory: chosen when it is made, and told by its marker ever after.

use std::path::Path;

#[cfg(feature = "fjall")]
use super::fjall::{FjallEngine, FjallOptions};
use super::sled::{SledEngine, SledOptions};
use super::{Engine, EngineError, directory};

/// The engines that keep files of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EngineKind {
    /// sled: a log-structured tree whose pages are found through a table in memory.
    #[default]
    Sled,
    /// fjall: a log-structured merge tree, a journal and sorted tables.
    #[cfg(feature = "fjall")]
    Fjall,
}

impl EngineKind {
    /// The engine whose files are in `dir`, or `None` where no marker says so.
    ///
    /// # Errors
    /// `NotBuiltIn` for an engine this build leaves out; `NotAnEngine` for one it has never heard of; `Io`.
    pub fn of(dir: impl AsRef<Path>) -> Result<Option<Self>, EngineError> {
        let dir = dir.as_ref();
        let Some(name) = directory::engine_name(dir)? else {
            return Ok(None);
        };
        if let Some(kind) = Self::from_name(&name) {
            return Ok(Some(kind));
        }
        match name.as_str() {
            #[cfg(not(feature = "fjall"))]
            "fjall" => Err(EngineError::NotBuiltIn {
                path: dir.to_path_buf(),
                engine: "fjall",
            }),
            _ => Err(EngineError::NotAnEngine {
                path: dir.to_path_buf(),
                what: format!("its marker names the engine {name:?}"),
            }),
        }
    }

    /// The word that stands for this engine in its marker.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sled => super::sled::BRAND.name,
            #[cfg(feature = "fjall")]
            Self::Fjall => super::fjall::BRAND.name,
        }
    }

    /// The engine of that [`name`](Self::name), if this build has it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let known = [
            Self::Sled,
            #[cfg(feature = "fjall")]
            Self::Fjall,
        ];
        known.into_iter().find(|kind| kind.name() == name)
    }

    /// Opens this engine in `dir`, creating it where there is none, with a cache of `cache_bytes`.
    ///
    /// # Errors
    /// `InUse`, `NotAnEngine`, `NewerFormat` (all three before anything is changed), `Corrupt`, `Io`.
    pub fn open(self, dir: impl AsRef<Path>, cache_bytes: u64) -> Result<Box<dyn Engine>, EngineError> {
        match self {
            Self::Sled => {
                let options = SledOptions {
                    cache_bytes,
                    ..SledOptions::default()
                };
                Ok(Box::new(SledEngine::open(dir, &options)?))
            }
            #[cfg(feature = "fjall")]
            Self::Fjall => {
                let options = FjallOptions {
                    cache_bytes,
                    ..FjallOptions::default()
                };
                Ok(Box::new(FjallEngine::open(dir, &options)?))
            }
        }
    }
}
