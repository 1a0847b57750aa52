//! Paging of listings: how many entries a page has, and where the next one begins.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{Error, ErrorKind, Result};

/// Entries of a page at most: 1 to 5000, default 5000.
///
/// ```
/// use strongroom::PageSize;
/// assert_eq!(PageSize::default().get(), 5000);
/// assert_eq!(PageSize::new(0).unwrap_err().code(), "OutOfRangeQueryParameterValue");
/// assert_eq!(PageSize::new(9999)?.get(), 5000);
/// # Ok::<(), strongroom::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize(usize);

impl PageSize {
    /// The largest page.
    pub const MAX: Self = Self(5000);

    /// Pages of `entries`; more than 5000 become 5000.
    ///
    /// # Errors
    /// `OutOfRangeQueryParameterValue` (400) for 0.
    pub fn new(entries: usize) -> Result<Self> {
        if entries == 0 {
            let message = "a page has at least one entry";
            return Err(
                Error::new(ErrorKind::Invalid, "OutOfRangeQueryParameterValue", 400, message)
                    .hint("ask for at least one entry"),
            );
        }
        Ok(Self(entries.min(Self::MAX.0)))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> usize {
        self.0
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self::MAX
    }
}

/// Where a listing goes on. Opaque text for callers; stays valid while others change what is listed.
///
/// ```
/// use strongroom::Marker;
/// assert_eq!("not a marker!".parse::<Marker>().unwrap_err().code(), "InvalidQueryParameterValue");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker(Vec<u8>);

impl Marker {
    /// Goes on with the first name that is not less than `position`.
    pub(crate) fn at(position: &[u8]) -> Self {
        Self(position.to_vec())
    }

    pub(crate) fn position(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl FromStr for Marker {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid = || {
            let message = format!("{text:?} is not a marker");
            Error::new(ErrorKind::Invalid, "InvalidQueryParameterValue", 400, message)
                .hint("give the marker that the page before ended with")
        };
        // A blob's name has at most 1024 characters of at most 4 bytes; its container's name, or its end, a
        // time and a kind, come with it.
        let position = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
        if position.is_empty() || position.len() > 4096 + 64 {
            return Err(invalid());
        }
        Ok(Self(position))
    }
}
