//! The Blob service of an account: its settings, and what it tells about itself.
//!
//! Settings are one record of the account's tree. What they ask for happens where it belongs: deletions look
//! here for their retention, writes for the versioning flag. Logging, metrics, CORS and the static website
//! are kept and handed out for whoever serves HTTP.

mod cors;
mod info;
mod retention;

pub use cors::{CorsMethod, CorsRule};
pub use info::{AccountInformation, AccountKind, GeoReplicationStatus, ServiceStats, SkuName};
pub use retention::RetentionDays;
pub(crate) use retention::days_left;

use serde::{Deserialize, Serialize};
use strongroom_engine::codec::{Record, decode, encode};
use strongroom_engine::tree::Txn;

use crate::account::{Account, AccountCore};
use crate::commit::Failure;
use crate::container::ContainerEncryption;
use crate::container::PublicAccess;
use crate::container::record::{ContainerRecord, NewContainer, Source};
use crate::error::{Error, Result};
use crate::operations::Operation;
use crate::protection::DataProtection;
use crate::rooms;

/// Characters of a document's path in a static website at most.
const DOCUMENT_CHARS_MAX: usize = 255;
/// The container of a static website.
const WEB: &str = "$web";

/// Settings of the Blob service of an account. The default is that of a new account: everything is off.
///
/// ```
/// use strongroom::{BlobServiceProperties, RetentionDays};
/// let keep_a_week = BlobServiceProperties {
///     delete_retention: Some(RetentionDays::new(7)?),
///     ..BlobServiceProperties::default()
/// };
/// # Ok::<(), strongroom::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobServiceProperties {
    /// Which requests are logged.
    pub logging: Logging,
    /// Metrics by the hour.
    pub hour_metrics: Metrics,
    /// Metrics by the minute.
    pub minute_metrics: Metrics,
    /// Which foreign web pages may send which requests: at most 5 rules, the first that fits decides.
    pub cors: Vec<CorsRule>,
    /// The protocol version of requests that name none, as in `2019-12-12`.
    pub default_service_version: Option<String>,
    /// How long deleted blobs can be restored; `None` deletes for good. Holds for later deletions.
    pub delete_retention: Option<RetentionDays>,
    /// Whether a deleted blob that can still be restored may be deleted for good.
    pub allow_permanent_delete: bool,
    /// How long deleted containers can be restored; `None` deletes for good. Holds for later deletions.
    pub container_delete_retention: Option<RetentionDays>,
    /// Whether a write keeps what it replaces as a previous version.
    pub versioning: bool,
    /// Serving the container `$web` as a website.
    pub static_website: StaticWebsite,
}

/// Which requests are logged, in the format of version 1.0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logging {
    /// Those that delete.
    pub delete: bool,
    /// Those that read.
    pub read: bool,
    /// Those that write.
    pub write: bool,
    /// How long logs are kept; `None` is for ever.
    pub retention: Option<RetentionDays>,
}

/// Metrics, in the format of version 1.0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metrics {
    /// Whether they are collected.
    pub enabled: bool,
    /// Whether each operation has its own figures.
    pub include_apis: bool,
    /// How long they are kept; `None` is for ever.
    pub retention: Option<RetentionDays>,
}

/// A website made of the blobs of `$web`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaticWebsite {
    /// Whether it is served. Enabling it makes the container `$web`, if there is none.
    pub enabled: bool,
    /// What a folder shows, as in `index.html`; found in every folder.
    pub index_document: Option<String>,
    /// What is shown when there is nothing, as in `errors/404.html`.
    pub error_document_404_path: Option<String>,
    /// What every folder shows, as in `index.html`; instead of `index_document`.
    pub default_index_document_path: Option<String>,
}

impl Record for BlobServiceProperties {
    const NAME: &'static str = "blob service record";
    const VERSION: u8 = 1;
}

impl BlobServiceProperties {
    /// The settings as stored, or those of a new account.
    pub(crate) fn read(source: &impl Source) -> Result<Self> {
        match source.value(&key())? {
            Some(bytes) => Ok(decode(&bytes)?),
            None => Ok(Self::default()),
        }
    }

    /// What deletions and writes have to know of it.
    pub(crate) fn protection(&self) -> DataProtection {
        DataProtection {
            versioning: self.versioning,
            retention: self.delete_retention.map(RetentionDays::duration),
            permanent_delete: self.allow_permanent_delete,
        }
    }

    fn check(&self) -> Result<()> {
        cors::check(&self.cors)?;
        if let Some(version) = &self.default_service_version {
            check_version(version)?;
        }
        self.static_website.check()
    }

    fn write(&self, txn: &mut Txn<'_>) -> Result<(), Failure> {
        Ok(txn.put(&key(), &encode(self)?)?)
    }
}

impl StaticWebsite {
    fn check(&self) -> Result<()> {
        let paths = [
            &self.index_document,
            &self.error_document_404_path,
            &self.default_index_document_path,
        ];
        for path in paths.into_iter().flatten() {
            let chars = path.chars().count();
            if chars == 0 || chars > DOCUMENT_CHARS_MAX || path.chars().any(char::is_control) {
                let message = format!("{path:?} is no document of a website");
                return Err(invalid(message).hint("give a path of 1 to 255 characters"));
            }
        }
        if self
            .index_document
            .as_ref()
            .is_some_and(|name| name.contains('/'))
        {
            return Err(invalid(
                "an index document is found in every folder: its name has no slash",
            ));
        }
        if self.index_document.is_some() && self.default_index_document_path.is_some() {
            let message = "a website has an index document or a default index document, not both";
            return Err(Error::invalid("InvalidXmlDocument", message).hint("leave one of them out"));
        }
        Ok(())
    }
}

impl Account {
    /// The settings of the Blob service. Needs no key.
    ///
    /// # Errors
    /// Storage errors.
    pub fn blob_service_properties(&self) -> Result<BlobServiceProperties> {
        self.core.admit(Operation::GetBlobServiceProperties)?;
        BlobServiceProperties::read(&self.core.tree)
    }

    /// Replaces all settings of the Blob service; in force at once. Needs no key.
    ///
    /// # Errors
    /// 400: `InvalidXmlNodeValue` for a value out of its range (see the fields), `InvalidXmlDocument` for
    /// more than 5 CORS rules or for settings that exclude each other.
    pub fn set_blob_service_properties(&self, properties: &BlobServiceProperties) -> Result<()> {
        let properties = properties.clone();
        self.change_blob_service_properties(move |kept| kept.clone_from(&properties))
            .map(|_| ())
    }

    /// Changes some settings and leaves the others as they are, in one step; returns all of them.
    ///
    /// ```no_run
    /// # fn example(account: &strongroom::Account) -> strongroom::Result<()> {
    /// account.change_blob_service_properties(|settings| settings.versioning = true)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`set_blob_service_properties`](Self::set_blob_service_properties).
    pub fn change_blob_service_properties(
        &self,
        change: impl Fn(&mut BlobServiceProperties) + Send + 'static,
    ) -> Result<BlobServiceProperties> {
        self.core.admit(Operation::SetBlobServiceProperties)?;
        let core = self.core.clone();
        let changed = self.core.transact(move |txn| {
            let mut properties = BlobServiceProperties::read(txn)?;
            change(&mut properties);
            properties.check()?;
            properties.write(txn)?;
            if properties.static_website.enabled {
                make_web(&core, txn)?;
            }
            Ok::<_, Failure>(properties)
        })?;
        // Read again inside the lock: of two callers the one that comes last puts in force what is stored.
        let mut protection = self.core.protection.write();
        *protection = BlobServiceProperties::read(&self.core.tree)?.protection();
        Ok(changed)
    }
}

/// Makes the container of the static website, if there is none.
fn make_web(core: &AccountCore, txn: &mut Txn<'_>) -> Result<(), Failure> {
    let name = WEB.parse()?;
    if ContainerRecord::find(txn, &name)?.is_some() {
        return Ok(());
    }
    let new = NewContainer {
        metadata: Vec::new(),
        public_access: PublicAccess::None,
        encryption: ContainerEncryption::default(),
    };
    ContainerRecord::create(core, txn, new)?.write(txn, &name)
}

/// A date, as all versions of the protocol are.
fn check_version(version: &str) -> Result<()> {
    let parts: Vec<&str> = version.split('-').collect();
    let digits = |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    match parts.as_slice() {
        [year, month, day] if digits(year, 4) && digits(month, 2) && digits(day, 2) => Ok(()),
        _ => Err(invalid(format!("{version:?} is no version of the protocol"))
            .hint("give a date, for example 2019-12-12")),
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::invalid("InvalidXmlNodeValue", message)
}

/// The key of the settings.
fn key() -> Vec<u8> {
    rooms::key(rooms::BLOB_SERVICE, &[])
}
