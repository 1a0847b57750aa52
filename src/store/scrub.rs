//! Scrub: reading everything back and naming what is damaged.
//!
//! Every page of every tree is opened, and every record that no damaged page hides. Content is opened chunk
//! by chunk while the account's key is at hand; while it is not, the checksums outside the ciphertext still
//! find what the medium has damaged. Writes nothing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use strongroom_engine::body::Location;
use strongroom_engine::codec::decode;
use strongroom_engine::tree::{ScrubBodies, ScrubCounts, ScrubEvent, ScrubFinding, ScrubItem, Tree};

use super::Store;
use super::header::Header;
use crate::account::{Account, AccountCore, AccountName};
use crate::blob::check::{Place as State, checksums, open_all};
use crate::blob::history;
use crate::blob::ids::ContentId;
use crate::blob::manifest::Part;
use crate::blob::page;
use crate::blob::record::{BlobContent, BlobRecord, Extent};
use crate::blob::staged::StagedBlock;
use crate::container::record::{ContainerId, ContainerRecord};
use crate::encryption::scope::ScopeRecord;
use crate::encryption::{Custody, check_custody};
use crate::error::{Error, ErrorKind, Result};
use crate::names::BlobName;
use crate::rooms;

/// What a scrub went through and found. Counted up while it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScrubReport {
    /// Accounts looked at.
    pub accounts: u64,
    /// Containers looked at.
    pub containers: u64,
    /// Records of trees opened.
    pub records: u64,
    /// Blobs whose content and metadata were opened and authenticated.
    pub blobs_opened: u64,
    /// Blobs of which only checksums could be checked, because the account's key is out of reach
    /// or the key that the caller provided is not kept.
    pub blobs_without_key: u64,
    /// Bytes of content of both.
    pub bytes: u64,
    /// Chunks of content of both.
    pub chunks: u64,
    /// Pages and bodies that were given up and wait for being deleted: no damage.
    pub released: u64,
    /// Pages and bodies that nothing refers to, nobody reserved and no list names: they take space and do no
    /// harm. Exact while nothing else writes; 0 for a tree with a damaged page, where it cannot be told.
    pub leftovers: u64,
    /// What is damaged, by name.
    pub damage: Vec<Damage>,
}

/// Something that cannot be read as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// The account; `None` for what belongs to the store as a whole.
    pub account: Option<String>,
    /// The container: its name, or `#` and its number when its own record is damaged.
    pub container: Option<String>,
    /// The blob.
    pub blob: Option<String>,
    /// What is wrong.
    pub what: String,
}

impl Store {
    /// Checks the whole store, or one account: everything that can be checked with the keys at hand.
    ///
    /// With the account's key every byte of content and metadata is authenticated. Without it pages, records,
    /// envelopes and side files still are, and content is compared with its checksums: that finds decay, and
    /// no forgery. Damage is no error: it is in the report, by name, and the scrub goes on. `progress` is
    /// called after each blob.
    ///
    /// # Errors
    /// `ResourceNotFound` for an account that is not there; `NewerFormat`; when the store fails otherwise,
    /// for example when the scrub takes longer than a view of the store is kept (a day).
    pub fn scrub(
        &self,
        account: Option<&AccountName>,
        mut progress: impl FnMut(&ScrubReport),
    ) -> Result<ScrubReport> {
        let mut scrub = Scrub {
            report: ScrubReport::default(),
            progress: &mut progress,
        };
        if let Some(name) = account {
            let found = self.account(name);
            match found {
                Err(error) if error.kind() == ErrorKind::NotFound => return Err(error),
                found => scrub.opened(name.as_str(), found)?,
            }
            return Ok(scrub.report);
        }
        let header = Header::read(&self.inner.directory, self.inner.header.lock().role());
        scrub.note(Place::default(), header)?;
        let names = scrub.store(&self.inner.shared.tree)?;
        for name in names {
            let found = name.parse().and_then(|name| self.account(&name));
            scrub.opened(&name, found)?;
        }
        Ok(scrub.report)
    }
}

/// Where something is.
#[derive(Clone, Copy, Default)]
struct Place<'a> {
    account: Option<&'a str>,
    container: Option<&'a str>,
    blob: Option<&'a str>,
}

struct Scrub<'a> {
    report: ScrubReport,
    progress: &'a mut dyn FnMut(&ScrubReport),
}

impl Scrub<'_> {
    /// The store's own tree; the names of all accounts.
    fn store(&mut self, tree: &Tree) -> Result<Vec<String>> {
        let mut names = Vec::new();
        let counts = tree.scrub_with(ScrubBodies::Checksums, &mut |event| match event {
            ScrubEvent::Entry(key, _) => {
                self.report.records += 1;
                let name = key.strip_prefix(&[rooms::ACCOUNTS]);
                names.extend(name.map(|name| String::from_utf8_lossy(name).into_owned()));
            }
            ScrubEvent::Finding(finding) => self.finding(Place::default(), &finding),
        })?;
        self.report.released += counts.released;
        self.report.leftovers += counts.leftovers + counts.small_bodies + counts.references;
        Ok(names)
    }

    fn opened(&mut self, name: &str, account: Result<Account>) -> Result<()> {
        self.report.accounts += 1;
        let place = Place {
            account: Some(name),
            ..Place::default()
        };
        match self.note(place, account)? {
            Some(account) => self.account(place, &account.core),
            None => Ok(()),
        }
    }

    fn account(&mut self, place: Place<'_>, core: &Arc<AccountCore>) -> Result<()> {
        self.custody(place, &core.custody)?;
        for (name, _) in ScopeRecord::all(&core.custody.store.tree, core.id)? {
            if let Some(scope) = self.note(place, core.scope(&name))? {
                self.custody(place, &scope.custody)?;
            }
        }
        let mut walk = Walk {
            scrub: self,
            core,
            place,
            containers: HashMap::new(),
            is_whole: true,
            large: 0,
            small: 0,
            failed: None,
            checked: HashSet::new(),
        };
        let counts = core
            .tree
            .scrub_with(ScrubBodies::Skip, &mut |event| walk.event(event))?;
        let (large, small) = (walk.large, walk.small);
        let (is_whole, failed) = (walk.is_whole, walk.failed.take());
        failed.map_or(Ok(()), Err)?;
        self.report.released += counts.released;
        if is_whole {
            self.report.leftovers += leftovers(&counts, large, small);
        }
        Ok(())
    }

    /// What opens the data of an account or encryption scope.
    fn custody(&mut self, place: Place<'_>, custody: &Custody) -> Result<()> {
        self.note(place, check_custody(custody))?;
        let envelope = custody.envelope_tree.tree().clone();
        let counts = envelope.scrub_with(ScrubBodies::Checksums, &mut |event| match event {
            ScrubEvent::Entry(..) => self.report.records += 1,
            ScrubEvent::Finding(finding) => self.finding(place, &finding),
        })?;
        self.report.released += counts.released;
        self.report.leftovers += counts.leftovers + counts.small_bodies + counts.references;
        Ok(())
    }

    /// Damage is noted; what was deleted meanwhile is none; anything else ends the scrub.
    fn note<T>(&mut self, place: Place<'_>, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                self.damage(place, error.message().to_owned());
                Ok(None)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Damage inside a tree, which is not a blob's content.
    fn finding(&mut self, place: Place<'_>, finding: &ScrubFinding) {
        let what = match finding.item {
            ScrubItem::Page(_) => format!("{}; the records on it are out of reach", finding.error),
            ScrubItem::FreedList(_) => format!("{}; the space it names does not come back", finding.error),
            _ => finding.error.to_string(),
        };
        self.damage(place, what);
    }

    fn damage(&mut self, place: Place<'_>, what: String) {
        let owned = |name: Option<&str>| name.map(str::to_owned);
        self.report.damage.push(Damage {
            account: owned(place.account),
            container: owned(place.container),
            blob: owned(place.blob),
            what,
        });
    }
}

/// Bodies that no blob refers to, and records that nothing does.
fn leftovers(counts: &ScrubCounts, large: u64, small: u64) -> u64 {
    let small = (counts.small_bodies + counts.small_references).saturating_sub(small);
    counts.leftovers + small + counts.references.saturating_sub(large)
}

/// The tree of one account, entry by entry: containers come before their blobs.
struct Walk<'a, 'b> {
    scrub: &'a mut Scrub<'b>,
    core: &'a Arc<AccountCore>,
    place: Place<'a>,
    containers: HashMap<u64, String>,
    /// Every page could be read.
    is_whole: bool,
    /// References of blobs to large and to small bodies.
    large: u64,
    small: u64,
    failed: Option<Error>,
    /// Shared content that was checked with another state of its blob.
    checked: HashSet<(ContentId, u64)>,
}

impl Walk<'_, '_> {
    fn event(&mut self, event: ScrubEvent<'_>) {
        if self.failed.is_some() {
            return;
        }
        let done = match event {
            ScrubEvent::Finding(finding) => {
                self.is_whole &= !matches!(finding.item, ScrubItem::Page(_) | ScrubItem::Value);
                self.scrub.finding(self.place, &finding);
                Ok(())
            }
            ScrubEvent::Entry(key, value) => self.entry(key, value),
        };
        self.failed = done.err();
    }

    fn entry(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.scrub.report.records += 1;
        match key.split_first() {
            Some((&rooms::CONTAINERS, name)) if !name.is_empty() => {
                let name = String::from_utf8_lossy(name).into_owned();
                let place = Place {
                    container: Some(&name),
                    ..self.place
                };
                let record = decode::<ContainerRecord>(value).map_err(Error::from);
                if let Some(record) = self.scrub.note(place, record)? {
                    self.scrub.report.containers += 1;
                    self.containers.insert(record.id.0, name);
                }
                Ok(())
            }
            Some((&rooms::BLOBS, rest)) => {
                let Some((id, name)) = rest.split_first_chunk() else {
                    return Ok(());
                };
                let name = String::from_utf8_lossy(name).into_owned();
                self.blob((u64::from_be_bytes(*id), &name), State::Base, value)
            }
            Some((&rooms::HISTORY, rest)) => {
                let state = rest
                    .split_first_chunk()
                    .and_then(|(id, rest)| Some((id, rooms::unescape(rest)?)));
                let Some((id, (name, rest))) = state else {
                    return Ok(());
                };
                let (time, kind) = history::place_of(rest)?;
                self.blob((u64::from_be_bytes(*id), &name), State::Past(time, kind), value)
            }
            Some((&rooms::MANIFESTS, _)) => {
                let part = self
                    .scrub
                    .note(self.place, decode::<Part>(value).map_err(Error::from))?;
                let entries = part.into_iter().flat_map(|part| part.entries);
                entries.for_each(|entry| self.count(&entry.extent));
                Ok(())
            }
            Some((&rooms::PAGE_MAPS, _)) => {
                let pieces = self.scrub.note(self.place, page::map::pieces(key, value))?;
                let pieces = pieces.into_iter().flatten();
                pieces.for_each(|piece| self.count(&piece.extent));
                Ok(())
            }
            Some((&rooms::STAGED, _)) => {
                let block = decode::<StagedBlock>(value).map_err(Error::from);
                let block = self.scrub.note(self.place, block)?;
                block.iter().for_each(|block| self.count(&block.extent));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A reference to a body.
    fn count(&mut self, extent: &Extent) {
        match extent.body.location {
            Location::Chunks => self.large += 1,
            Location::Small(_) => self.small += 1,
        }
    }

    fn blob(&mut self, (id, name): (u64, &str), state: State, value: &[u8]) -> Result<()> {
        let record = decode::<BlobRecord>(value).map_err(Error::from);
        let container = match self.containers.get(&id) {
            Some(name) => name.clone(),
            // Of a container that is deleted and not empty yet, or whose record is out of reach.
            None => format!("#{id}"),
        };
        let place = Place {
            container: Some(&container),
            blob: Some(name),
            ..self.place
        };
        let Some(record) = self.scrub.note(place, record)? else {
            return Ok(());
        };
        let known = match &record.content {
            BlobContent::Own(extents) => {
                extents.iter().for_each(|extent| self.count(extent));
                false
            }
            BlobContent::Manifest { id, entries, .. } => !self.checked.insert((*id, *entries)),
            // Bodies are counted where the map's spans are walked.
            BlobContent::Pages { .. } => false,
        };
        if known || (self.is_whole && !self.containers.contains_key(&id)) {
            return Ok(());
        }
        let name = BlobName::parse(name)?;
        self.content(place, ContainerId(id), (&name, state))
    }

    fn content(&mut self, place: Place<'_>, container: ContainerId, state: (&BlobName, State)) -> Result<()> {
        let report = &mut self.scrub.report;
        let checked = match open_all(self.core, container, state) {
            Err(error)
                if error.kind() == ErrorKind::KeyUnavailable
                    || error.code() == "BlobUsesCustomerSpecifiedEncryption" =>
            {
                let checked = checksums(self.core, container, state);
                report.blobs_without_key += u64::from(checked.is_ok());
                checked
            }
            checked => {
                report.blobs_opened += u64::from(checked.is_ok());
                checked
            }
        };
        if let Some(checked) = self.scrub.note(place, checked)? {
            self.scrub.report.bytes += checked.length;
            self.scrub.report.chunks += checked.chunks;
        }
        (self.scrub.progress)(&self.scrub.report);
        Ok(())
    }
}
