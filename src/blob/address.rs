//! The address of a blob, as in `https://ACCOUNT.blob.core.windows.net/CONTAINER/BLOB?snapshot=TIME`, as a
//! source within the store.

use super::BlobVersionRef;
use super::source::BlobSource;
use crate::error::{Error, Result};
use crate::names::{BlobName, ContainerName};
use crate::store::Store;

impl Store {
    /// The blob at an address, whatever host follows the account's name; with the state that `snapshot` or
    /// `versionid` names. Other parameters, as those of a shared access signature, are not looked at. A path
    /// of one segment is a blob of `$root`.
    ///
    /// # Errors
    /// `InvalidHeaderValue` (400) if it is no such address; `ResourceNotFound` (404) if the store has no such
    /// account. Whether there is such a blob is not looked at.
    pub fn blob_source(&self, url: &str) -> Result<BlobSource> {
        let (scheme, rest) = url.split_once("://").ok_or_else(malformed)?;
        if !["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) {
            return Err(malformed());
        }
        let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, path) = place.split_once('/').ok_or_else(malformed)?;
        let (account, service) = host.split_once('.').ok_or_else(malformed)?;
        if !service.starts_with("blob.") {
            return Err(malformed());
        }
        let (container, name) = path.split_once('/').unwrap_or(("$root", path));
        // The errors of names show them, and a name that is none may be half a signature.
        let container = decode(container).and_then(|text| ContainerName::parse(&text).ok());
        let container = container.ok_or_else(malformed)?;
        let name = decode(name).and_then(|text| BlobName::parse(&text).ok());
        let name = name.ok_or_else(malformed)?;
        let account = account.parse().map_err(|_| malformed())?;
        let container = self.account(&account)?.container(&container);
        Ok(BlobSource {
            which: state(query).ok_or_else(malformed)?,
            ..BlobSource::new(&container, name)
        })
    }
}

/// The state that a query names; `None` if it is not one.
fn state(query: &str) -> Option<BlobVersionRef> {
    let mut which = BlobVersionRef::Base;
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let time = || decode(value)?.parse().ok();
        which = match (name.to_ascii_lowercase().as_str(), which) {
            ("snapshot", BlobVersionRef::Base) => BlobVersionRef::Snapshot(time()?),
            ("versionid", BlobVersionRef::Base) => BlobVersionRef::Version(time()?),
            ("snapshot" | "versionid", _) => return None,
            _ => which,
        };
    }
    Some(which)
}

/// Text without its percent-encoding (RFC 3986, section 2.1).
fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

/// The address without what may be a secret: who asks, and every parameter but those that name a state.
pub(super) fn without_secrets(url: &str) -> String {
    let url = url.split_once('#').map_or(url, |(before, _)| before);
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let place = match place.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            format!("{scheme}://{host}{path}")
        }
        None => place.to_owned(),
    };
    let states = query.split('&').filter(|pair| {
        let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
        ["snapshot", "versionid"].contains(&name.to_ascii_lowercase().as_str())
    });
    let states: Vec<&str> = states.collect();
    match states.as_slice() {
        [] => place,
        states => format!("{place}?{}", states.join("&")),
    }
}

/// Shows nothing of the address, any part of which may be a secret in the wrong place.
fn malformed() -> Error {
    Error::invalid("InvalidHeaderValue", "this is not the address of a blob")
        .hint("give https://ACCOUNT.blob.HOST/CONTAINER/BLOB, percent-encoded")
}
