//! The rooms of a container as one run of items: by name; of one name by time, the base last.

use std::borrow::Cow;

use strongroom_engine::Timestamp;
use strongroom_engine::engine::KeyRange;
use strongroom_engine::tree::{Bytes, Run, Snapshot};

use super::damaged;
use crate::blob::history::{self, Kind};
use crate::blob::staged;
use crate::container::record::ContainerId;
use crate::error::{Error, Result};
use crate::rooms;

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Past(Timestamp, Kind),
    Base,
    /// The head of a staging area: there may be no base of that name.
    Staged,
}

/// A record with its place in the listing.
pub(super) struct Item {
    pub(super) name: String,
    pub(super) what: What,
    pub(super) value: Bytes,
}

impl Item {
    /// A place in the listing: the escaped name, then 8 bytes of time and one of kind. Bytewise order is the
    /// order of items.
    pub(super) fn position(&self) -> Vec<u8> {
        let (ticks, kind) = match self.what {
            What::Past(_, Kind::Deleted) => (u64::MAX, Kind::Deleted as u8),
            What::Past(time, kind) => (time.ticks(), kind as u8),
            What::Base => (u64::MAX, 0xfe),
            What::Staged => (u64::MAX, 0xff),
        };
        place(&self.name, ticks, kind)
    }
}

/// The place from which a name's last item can be found.
pub(super) fn place(name: &str, ticks: u64, kind: u8) -> Vec<u8> {
    let mut position = rooms::escape(name);
    position.extend(ticks.to_be_bytes());
    position.push(kind);
    position
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    Blobs,
    History,
    Staging,
}

/// One room from some name on.
struct Cursor<'a> {
    snapshot: &'a Snapshot,
    room: Room,
    /// Bytes of a key in front of the name.
    prefix: Vec<u8>,
    /// What has not been read.
    range: KeyRange,
    /// What has been read.
    run: Option<Run<'a>>,
    ended: bool,
}

impl<'a> Cursor<'a> {
    fn new(snapshot: &'a Snapshot, room: Room, (container, name_prefix): (ContainerId, &str)) -> Self {
        let prefix = match room {
            Room::Blobs => container.blobs_prefix(),
            Room::History => history::prefix(container),
            Room::Staging => staged::heads_prefix(container),
        };
        let mut start = match room {
            Room::Blobs => name_prefix.as_bytes().to_vec(),
            Room::History | Room::Staging => rooms::escape(name_prefix),
        };
        if room != Room::Blobs {
            // The prefix is no whole name: without the end mark.
            start.truncate(start.len().saturating_sub(2));
        }
        Self {
            snapshot,
            room,
            range: KeyRange::prefix(&[prefix.as_slice(), &start].concat()),
            prefix,
            run: None,
            ended: false,
        }
    }

    /// Goes on with the first item that is not before `position`.
    fn seek(&mut self, position: &[u8]) {
        let start = match self.room {
            Room::History => [self.prefix.as_slice(), position].concat(),
            Room::Staging => {
                let name = position.len().saturating_sub(9);
                [self.prefix.as_slice(), position.get(..name).unwrap_or(position)].concat()
            }
            Room::Blobs => match rooms::unescape(position) {
                Some((name, _)) => [self.prefix.as_slice(), name.as_bytes()].concat(),
                None => return,
            },
        };
        if start > self.range.start {
            self.range.start = start;
            self.run = None;
            self.ended = false;
        }
    }

    /// Goes on behind all names that begin with `group`.
    fn skip(&mut self, group: &str) {
        let mut escaped = rooms::escape(group);
        let name = match self.room {
            Room::Blobs => group.as_bytes(),
            Room::History | Room::Staging => {
                escaped.truncate(escaped.len().saturating_sub(2));
                escaped.as_slice()
            }
        };
        match KeyRange::prefix(&[self.prefix.as_slice(), name].concat()).end {
            Some(end) => {
                if let Some(run) = &mut self.run {
                    run.skip_to(&end);
                }
                // What has been read may reach beyond the group already.
                self.range.start = std::mem::take(&mut self.range.start).max(end);
            }
            None => {
                self.ended = true;
                self.run = None;
            }
        }
    }

    /// Reads on where nothing is left of what was read.
    fn fill(&mut self) -> Result<()> {
        let is_empty = self.run.as_ref().is_none_or(|run| run.key().is_none());
        if is_empty && !self.ended {
            self.run = self.snapshot.run(&self.range)?;
            match self.run.as_ref().and_then(Run::last_key) {
                Some(last) => self.range = std::mem::take(&mut self.range).after(last),
                None => self.ended = true,
            }
        }
        Ok(())
    }

    /// Name and place of the first entry that is left of what was read.
    fn first(&self) -> Result<Option<(Cow<'_, str>, What)>> {
        let Some(key) = self.run.as_ref().and_then(Run::key) else {
            return Ok(None);
        };
        let rest = key.get(self.prefix.len()..).unwrap_or_default();
        if self.room == Room::Blobs {
            let name = std::str::from_utf8(rest).map_err(|_| damaged())?;
            return Ok(Some((name.into(), What::Base)));
        }
        let (name, rest) = rooms::unescape(rest).ok_or_else(damaged)?;
        let what = match self.room {
            Room::History => {
                let (time, kind) = history::place_of(rest)?;
                What::Past(time, kind)
            }
            Room::Blobs | Room::Staging => What::Staged,
        };
        Ok(Some((name.into(), what)))
    }
}

/// Which rooms to walk beside that of the bases.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rooms {
    pub(super) history: bool,
    pub(super) staging: bool,
}

/// Several rooms as one run of items.
pub(super) struct Merge<'a> {
    cursors: Vec<Cursor<'a>>,
}

impl<'a> Merge<'a> {
    /// The items of names that begin with `name_prefix`.
    pub(super) fn new(
        snapshot: &'a Snapshot,
        (container, name_prefix): (ContainerId, &str),
        rooms: Rooms,
    ) -> Self {
        let walked = [
            (Room::History, rooms.history),
            (Room::Blobs, true),
            (Room::Staging, rooms.staging),
        ];
        let walked = walked.into_iter().filter(|(_, walk)| *walk);
        Self {
            cursors: walked
                .map(|(room, _)| Cursor::new(snapshot, room, (container, name_prefix)))
                .collect(),
        }
    }

    /// Goes on with the first item that is not before `position`.
    pub(super) fn seek(&mut self, position: &[u8]) -> Result<()> {
        let legal = rooms::unescape(position).is_some_and(|(_, rest)| rest.len() == 9);
        if !legal {
            let message = "the marker is not one of a listing of blobs";
            return Err(Error::invalid("InvalidQueryParameterValue", message)
                .hint("give the marker that the page before ended with"));
        }
        self.cursors.iter_mut().for_each(|cursor| cursor.seek(position));
        Ok(())
    }

    /// Goes on behind all names that begin with `group`.
    pub(super) fn skip(&mut self, group: &str) {
        self.cursors.iter_mut().for_each(|cursor| cursor.skip(group));
    }

    /// The next item.
    pub(super) fn next(&mut self) -> Result<Option<Item>> {
        self.cursors.iter_mut().try_for_each(Cursor::fill)?;
        let mut first: Option<(usize, Cow<'_, str>, What)> = None;
        for (index, cursor) in self.cursors.iter().enumerate() {
            let Some((name, what)) = cursor.first()? else {
                continue;
            };
            let sooner = first
                .as_ref()
                .is_none_or(|(_, least, least_what)| (&name, what) < (least, *least_what));
            if sooner {
                first = Some((index, name, what));
            }
        }
        let Some((index, name, what)) = first else {
            return Ok(None);
        };
        let name = name.into_owned();
        let run = self.cursors.get_mut(index).and_then(|cursor| cursor.run.as_mut());
        let Some(run) = run else { return Ok(None) };
        let value = run.value()?;
        run.advance();
        Ok(value.map(|value| Item { name, what, value }))
    }
}
