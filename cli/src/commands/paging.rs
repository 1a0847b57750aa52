//! Listings: as many pages as `--num-results` asks for, and the marker of the next one.

use serde_json::{Value, json};
use strongroom::{Marker, PageSize};

use crate::args::values::NumResults;
use crate::output::error::Failure;

/// What `az` lists when it is not told how much.
const DEFAULT: u64 = 5000;

/// One page of a listing.
pub(super) struct Page {
    /// The entries, in shape.
    pub(super) items: Vec<Value>,
    /// Where to go on; `None` at the end.
    pub(super) next: Option<Marker>,
}

impl Page {
    /// The entries as a list, with the marker as last entry where it was asked for.
    pub(super) fn into_json(self, show_next_marker: bool) -> Value {
        let mut items = self.items;
        if let Some(next) = self.next.filter(|_| show_next_marker) {
            items.push(json!({"nextMarker": next.to_string()}));
        }
        Value::Array(items)
    }
}

/// Fetches pages until there are enough entries or no more.
pub(super) fn collect(
    start: Option<Marker>,
    wanted: Option<NumResults>,
    mut fetch: impl FnMut(Option<Marker>, PageSize) -> Result<Page, Failure>,
) -> Result<Page, Failure> {
    let mut left = match wanted.unwrap_or(NumResults::AtMost(DEFAULT)) {
        NumResults::AtMost(number) => usize::try_from(number).unwrap_or(usize::MAX),
        NumResults::All => usize::MAX,
    };
    let mut all = Page {
        items: Vec::new(),
        next: start,
    };
    loop {
        let page = fetch(all.next.take(), PageSize::new(left)?)?;
        left = left.saturating_sub(page.items.len());
        all.items.extend(page.items);
        all.next = page.next;
        if all.next.is_none() || left == 0 {
            return Ok(all);
        }
    }
}
