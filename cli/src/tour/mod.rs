//! The whole story on the user's own files: store, encrypt, rotate, revoke, restore, verify.
//!
//! A tour makes an account and a vault of its own and leaves them there; it never touches what exists.
//! Everything it does is a call that any user of the library can make.

mod custody;
mod hashing;
mod names;
mod report;
mod revocation;
mod stored;
mod story;
mod workers;

use std::path::PathBuf;

use strongroom::{BlobName, EngineKind, Metadata};

use crate::args::tools::TourArgs;
use crate::files::find::{self, Found, Haul, Rules};
use crate::output::error::{Exit, Failure};
use crate::session::Session;
use custody::Custody;
use report::Report;
use stored::Stored;
use story::{Story, count, size};

/// Resource group of what a tour makes, unless one is named.
const GROUP: &str = "tour";

/// What everything that a tour works with hangs on.
struct Guide<'s> {
    session: &'s Session,
    story: Story,
    report: Report,
    stored: Stored,
    custody: Custody<'s>,
}

/// Takes the tour; tells it while it happens if `told`.
pub(crate) fn run(session: &Session, args: &TourArgs, told: bool) -> Result<Report, Failure> {
    let here = [PathBuf::from(".")];
    let paths = if args.paths.is_empty() {
        &here[..]
    } else {
        &args.paths
    };
    let mut haul = collect(session, paths)?;
    let portions = portions(std::mem::take(&mut haul.files));
    let mut guide = arrive(session, &haul, &portions, told)?;
    guide.enable()?;
    guide.rotate_while_growing(&portions)?;
    guide.revoke_and_restore()?;
    guide.verify()?;
    guide.farewell()
}

/// Finds the files; a name that no blob can have is left out with its reason.
fn collect(session: &Session, paths: &[PathBuf]) -> Result<Haul, Failure> {
    let rules = Rules {
        git: true,
        except: session.places().all(),
    };
    let mut haul = find::arguments(paths, &rules)?;
    let (named, unnamed) = haul
        .files
        .into_iter()
        .partition(|file: &Found| file.name.parse::<BlobName>().is_ok());
    haul.files = named;
    let unnamed: Vec<Found> = unnamed;
    haul.left_out.extend(
        unnamed
            .iter()
            .map(|file| format!("{}: too long for the name of a blob", file.path.display())),
    );
    if haul.files.is_empty() {
        let shown: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        return Err(Failure::new(
            Exit::NotFound,
            "FileNotFound",
            format!("there is no file in {}", shown.join(", ")),
        )
        .hint("Name files, or a directory with files that .gitignore does not exclude."));
    }
    Ok(haul)
}

/// The files in three portions, smallest first, so that rotations happen at growing sizes.
fn portions(mut files: Vec<Found>) -> [Vec<Found>; 3] {
    files.sort_by(|a, b| (a.bytes, &a.name).cmp(&(b.bytes, &b.name)));
    let total: u64 = files.iter().map(|file| file.bytes).sum();
    let mut portions = [Vec::new(), Vec::new(), Vec::new()];
    let mut before = 0;
    for file in files {
        let [small, medium, large] = &mut portions;
        let portion = match before {
            _ if before <= total / 100 => small,
            _ if before <= total / 10 => medium,
            _ => large,
        };
        before += file.bytes;
        portion.push(file);
    }
    portions
}

/// Makes the store if there is none, the account, its container, and stores the first portion.
fn arrive<'s>(
    session: &'s Session,
    haul: &Haul,
    portions: &[Vec<Found>; 3],
    told: bool,
) -> Result<Guide<'s>, Failure> {
    let mut story = Story::new(told);
    let made = session.init(EngineKind::default())?;
    let (account, vault) = names::free(session)?;
    story.chapter("An account under keys that the platform holds")?;
    let places = session.places();
    story.line(&format!(
        "{} store {}",
        if made.store { "made the" } else { "opened the" },
        places.data.display()
    ))?;
    let (host, vault_key) = (places.host.path().display(), places.vault.path().display());
    story.line(&format!("{host} opens the store, {vault_key} the vaults"))?;
    let stored = Stored::new(session, &account)?;
    story.line(&format!(
        "account {account}, container {}",
        stored.container().name()
    ))?;
    let custody = Custody::new(session, stored.account().clone(), vault.clone())?;
    let report = Report {
        account: account.to_string(),
        vault: vault.to_string(),
        left_out: haul.left_out.clone(),
        ..Report::default()
    };
    let mut guide = Guide {
        session,
        story,
        report,
        stored,
        custody,
    };
    guide.store(&portions[0])?;
    Ok(guide)
}

impl Guide<'_> {
    fn store(&mut self, files: &[Found]) -> Result<(), Failure> {
        let before = (self.stored.files(), self.stored.bytes());
        self.report
            .left_out
            .extend(self.stored.upload(self.session.progress(), files)?);
        let (files, bytes) = (self.stored.files() - before.0, self.stored.bytes() - before.1);
        self.story
            .line(&format!("stored {}, {}", count(files, "file"), size(bytes)))
    }

    fn enable(&mut self) -> Result<(), Failure> {
        self.story.chapter("A key in the customer's vault takes over")?;
        self.custody.prepare()?;
        self.story.line(&format!(
            "vault {} with soft delete and purge protection, key {}, and get, wrapKey, unwrapKey for the account",
            self.report.vault,
            self.custody.key_name()
        ))?;
        let rotation =
            self.custody
                .measured("enable customer keys", self.stored.bytes(), Custody::use_newest)?;
        self.report.rotations.push(rotation);
        self.story
            .line("the root key is wrapped by the customer's key now, and the platform's way in is destroyed")
    }

    fn rotate_while_growing(&mut self, portions: &[Vec<Found>; 3]) -> Result<(), Failure> {
        self.story.chapter("The key is rotated, at growing sizes")?;
        for (number, portion) in portions.iter().enumerate() {
            if number > 0 && !portion.is_empty() {
                self.store(portion)?;
            }
            self.custody.new_version()?;
            let step = format!("rotate to version {}", number + 2);
            let rotation = self
                .custody
                .measured(&step, self.stored.bytes(), Custody::use_newest)?;
            self.report.rotations.push(rotation);
        }
        self.custody.other_key()?;
        let rotation = self
            .custody
            .measured("use another key", self.stored.bytes(), Custody::use_newest)?;
        self.report.rotations.push(rotation);
        let rows = self.report.rotations.iter().map(report::Rotation::row).collect();
        self.story.table(&report::Rotation::HEADINGS, rows)?;
        let surprises = report::Rotation::surprises(&self.report.rotations);
        if let ([], Some(first)) = (surprises.as_slice(), self.report.rotations.first()) {
            self.story.line(&format!(
                "each of them wrote the same {} bytes, however much is stored,",
                first.bytes_written
            ))?;
            self.story
                .line("and not one byte of content was rewritten for any of it")?;
        }
        self.report.surprises.extend(surprises);
        Ok(())
    }

    fn verify(&mut self) -> Result<(), Failure> {
        self.story.chapter("Everything comes back")?;
        let wrong = self.stored.verify(self.session.progress());
        self.report.files = self.stored.files();
        self.report.bytes = self.stored.bytes();
        self.report.verified = self.report.files - wrong.len() as u64;
        for name in &wrong {
            self.story.line(&format!("NOT THE SAME: {name}"))?;
        }
        self.story.line(&format!(
            "{} of {} came back byte for byte (SHA-256), {} in all",
            self.report.verified,
            count(self.report.files, "file"),
            size(self.report.bytes)
        ))
    }

    fn farewell(self) -> Result<Report, Failure> {
        for reason in &self.report.left_out {
            self.story.line(&format!("left out {reason}"))?;
        }
        for surprise in &self.report.surprises {
            self.story.line(&format!("NOT AS DOCUMENTED: {surprise}"))?;
        }
        let account = &self.report.account;
        let container = self.stored.container().name();
        self.story.line("")?;
        self.story.line("Look around, or delete what the tour made:")?;
        self.story.line(&format!(
            "  strongroom storage blob list --account-name {account} --container-name {container} --output table"
        ))?;
        self.story.line(&format!(
            "  strongroom keyvault audit --name {} --output table",
            self.report.vault
        ))?;
        self.story
            .line(&format!("  strongroom storage account delete --name {account}"))?;
        Ok(self.report)
    }
}

/// Never seen: a tour without files does not begin.
fn nothing_stored() -> Failure {
    Failure::new(Exit::Failed, "FileNotFound", "nothing could be stored")
}

/// User metadata of every blob of a tour.
fn origin() -> Result<Metadata, Failure> {
    let mut metadata = Metadata::new();
    metadata.insert("origin", "tour")?;
    Ok(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portions_grow_and_hold_everything() {
        let file = |bytes| Found {
            path: PathBuf::new(),
            name: format!("{bytes:09}"),
            bytes,
        };
        let portions = portions([500_000, 10, 20, 60_000, 3_000].map(file).to_vec());
        let sizes = portions.map(|portion| portion.iter().map(|file| file.bytes).collect::<Vec<_>>());
        assert_eq!(sizes, [vec![10, 20, 3_000, 60_000], vec![], vec![500_000]]);
        let one = self::portions(vec![file(7)]);
        assert_eq!(one.map(|portion| portion.len()), [1, 0, 0]);
    }
}
