//! Access is taken away in two ways: what the article lists is refused, everything else goes on.

use std::io;

use strongroom::{
    BlobName, Conditions, Container, ContainerName, DownloadOptions, ErrorKind, ListBlobs, ListContainers,
    ListDetail, Metadata, UploadOptions,
};

use super::report::Refusal;
use super::stored::Stored;
use super::{Guide, custody::Cause, origin};
use crate::output::error::Failure;

/// Whether an operation needs the customer's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Refused,
    Allowed,
}

/// An operation that is tried while access is revoked.
struct Probe {
    name: &'static str,
    fate: Fate,
    run: fn(&Stored) -> strongroom::Result<()>,
}

const PROBES: [Probe; 12] = [
    Probe {
        name: "upload",
        fate: Fate::Refused,
        run: upload,
    },
    Probe {
        name: "download",
        fate: Fate::Refused,
        run: download,
    },
    Probe {
        name: "show",
        fate: Fate::Refused,
        run: show,
    },
    Probe {
        name: "metadata show",
        fate: Fate::Refused,
        run: show_metadata,
    },
    Probe {
        name: "metadata update",
        fate: Fate::Refused,
        run: update_metadata,
    },
    Probe {
        name: "list with metadata",
        fate: Fate::Refused,
        run: list_with_metadata,
    },
    Probe {
        name: "list",
        fate: Fate::Allowed,
        run: list,
    },
    Probe {
        name: "delete",
        fate: Fate::Allowed,
        run: delete,
    },
    Probe {
        name: "container create",
        fate: Fate::Allowed,
        run: create_container,
    },
    Probe {
        name: "container show",
        fate: Fate::Allowed,
        run: show_container,
    },
    Probe {
        name: "container list",
        fate: Fate::Allowed,
        run: list_containers,
    },
    Probe {
        name: "container delete",
        fate: Fate::Allowed,
        run: delete_container,
    },
];

/// A blob that is stored only to be deleted.
const SPARE: &str = "spare";
/// A blob that never comes to be.
const NEW: &str = "new";
/// A container that comes and goes.
const OTHER: &str = "other";

impl Guide<'_> {
    /// Revokes in each way, tries every operation, and restores.
    pub(super) fn revoke_and_restore(&mut self) -> Result<(), Failure> {
        self.story.chapter("Access is revoked, in two ways")?;
        let mut rows: Vec<Vec<String>> = PROBES.iter().map(|probe| vec![probe.name.to_owned()]).collect();
        for cause in [Cause::PolicyRemoved, Cause::VersionDisabled] {
            let options = UploadOptions {
                metadata: origin()?,
                ..UploadOptions::default()
            };
            self.stored
                .probes()
                .upload(&SPARE.parse()?, io::empty(), options)?;
            self.custody.revoke(cause)?;
            for (probe, row) in PROBES.iter().zip(&mut rows) {
                row.push(self.attempt(probe, cause));
            }
            self.custody.restore(cause)?;
        }
        self.report.allowed = allowed(&self.report.surprises);
        self.story.table(
            &[
                "Operation",
                Cause::PolicyRemoved.name(),
                Cause::VersionDisabled.name(),
            ],
            rows,
        )?;
        self.story
            .line("access was restored after each; nothing had to be opened again")
    }

    fn attempt(&mut self, probe: &Probe, cause: Cause) -> String {
        let outcome = (probe.run)(&self.stored);
        match (&outcome, probe.fate) {
            (Ok(()), Fate::Allowed) => "done".to_owned(),
            (Err(error), Fate::Refused) if error.kind() == ErrorKind::KeyUnavailable => {
                self.report.refused.push(Refusal {
                    operation: probe.name.to_owned(),
                    code: error.code().to_owned(),
                    cause: cause.name().to_owned(),
                });
                error.code().to_owned()
            }
            _ => {
                let said = outcome
                    .err()
                    .map_or_else(|| "done".to_owned(), |error| error.to_string());
                self.report
                    .surprises
                    .push(format!("{} after {}: {said}", probe.name, cause.name()));
                format!("UNEXPECTED: {said}")
            }
        }
    }
}

/// The operations that went on, whatever the cause.
fn allowed(surprises: &[String]) -> Vec<String> {
    let good = PROBES.iter().filter(|probe| probe.fate == Fate::Allowed);
    let good = good.filter(|probe| {
        !surprises
            .iter()
            .any(|surprise| surprise.starts_with(&format!("{} after", probe.name)))
    });
    good.map(|probe| probe.name.to_owned()).collect()
}

fn sample(stored: &Stored) -> strongroom::Result<BlobName> {
    // There is one: a tour without files does not begin.
    stored
        .sample()
        .map_or_else(|_| SPARE.parse(), |name| Ok(name.clone()))
}

fn upload(stored: &Stored) -> strongroom::Result<()> {
    stored
        .probes()
        .upload(&NEW.parse()?, &b"new"[..], UploadOptions::default())
        .map(drop)
}

fn download(stored: &Stored) -> strongroom::Result<()> {
    stored
        .container()
        .download(&sample(stored)?, &DownloadOptions::default(), io::sink())
        .map(drop)
}

fn show(stored: &Stored) -> strongroom::Result<()> {
    stored
        .container()
        .blob_properties(&sample(stored)?, &Conditions::default())
        .map(drop)
}

fn show_metadata(stored: &Stored) -> strongroom::Result<()> {
    stored
        .container()
        .blob_metadata(&sample(stored)?, &Conditions::default())
        .map(drop)
}

fn update_metadata(stored: &Stored) -> strongroom::Result<()> {
    stored
        .container()
        .set_blob_metadata(&sample(stored)?, &Metadata::new(), &Conditions::default())
        .map(drop)
}

fn list_with_metadata(stored: &Stored) -> strongroom::Result<()> {
    let request = ListBlobs {
        detail: ListDetail::Metadata,
        ..ListBlobs::default()
    };
    stored.container().list_blobs(&request).map(drop)
}

fn list(stored: &Stored) -> strongroom::Result<()> {
    stored.container().list_blobs(&ListBlobs::default()).map(drop)
}

fn delete(stored: &Stored) -> strongroom::Result<()> {
    stored
        .probes()
        .delete_blob(&SPARE.parse()?, &Conditions::default())
}

fn other(stored: &Stored) -> strongroom::Result<Container> {
    Ok(stored.account().container(&OTHER.parse::<ContainerName>()?))
}

fn create_container(stored: &Stored) -> strongroom::Result<()> {
    other(stored)?.create(&Metadata::new()).map(drop)
}

fn show_container(stored: &Stored) -> strongroom::Result<()> {
    other(stored)?.properties().map(drop)
}

fn list_containers(stored: &Stored) -> strongroom::Result<()> {
    stored
        .account()
        .list_containers(&ListContainers::default())
        .map(drop)
}

fn delete_container(stored: &Stored) -> strongroom::Result<()> {
    other(stored)?.delete(&Conditions::default())
}
