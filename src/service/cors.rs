//! CORS rules: which foreign web pages may send which requests (WHATWG Fetch, section CORS protocol). The
//! limits are those of Azure's "Cross-Origin Resource Sharing support for Azure Storage".

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::invalid;
use crate::error::{Error, Result};

/// Rules of a service at most.
const RULES_MAX: usize = 5;
/// Origins, and literal headers of either kind, of a rule at most.
const LITERALS_MAX: usize = 64;
/// Prefixed headers (`x-ms-meta-*`) of either kind at most.
const PREFIXES_MAX: usize = 2;
/// Characters of an origin or header at most.
const CHARS_MAX: usize = 256;
/// Bytes of all rules together at most.
const BYTES_MAX: usize = 2 << 10;

/// A request's method that a rule can allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum CorsMethod {
    /// `DELETE`
    Delete,
    /// `GET`
    Get,
    /// `HEAD`
    Head,
    /// `MERGE`
    Merge,
    /// `OPTIONS`
    Options,
    /// `PATCH`
    Patch,
    /// `POST`
    Post,
    /// `PUT`
    Put,
}

impl CorsMethod {
    const ALL: [(Self, &'static str); 8] = [
        (Self::Delete, "DELETE"),
        (Self::Get, "GET"),
        (Self::Head, "HEAD"),
        (Self::Merge, "MERGE"),
        (Self::Options, "OPTIONS"),
        (Self::Patch, "PATCH"),
        (Self::Post, "POST"),
        (Self::Put, "PUT"),
    ];
}

impl fmt::Display for CorsMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Self::ALL.iter().find(|(method, _)| method == self);
        f.write_str(named.map_or("", |(_, name)| name))
    }
}

impl FromStr for CorsMethod {
    type Err = Error;

    /// Reads the method in capitals.
    fn from_str(text: &str) -> Result<Self> {
        let named = Self::ALL.iter().find(|(_, name)| *name == text);
        named
            .map(|(method, _)| *method)
            .ok_or_else(|| invalid(format!("{text:?} is no method that CORS allows")))
    }
}

/// A rule: pages of these origins may send these requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorsRule {
    /// Origins as in `https://www.example.com`, or `*` for all: 1 to 64.
    pub allowed_origins: Vec<String>,
    /// Methods: at least one.
    pub allowed_methods: Vec<CorsMethod>,
    /// Headers that requests may have: at most 64, and 2 prefixes as in `x-ms-meta-*`.
    pub allowed_headers: Vec<String>,
    /// Headers of responses that pages may see: at most 64, and 2 prefixes.
    pub exposed_headers: Vec<String>,
    /// How long a browser may remember the answer to a preflight request.
    pub max_age_seconds: u32,
}

impl CorsRule {
    fn check(&self) -> Result<()> {
        if self.allowed_origins.is_empty() || self.allowed_methods.is_empty() {
            return Err(invalid("a CORS rule has at least one origin and one method"));
        }
        if self.allowed_origins.len() > LITERALS_MAX {
            return Err(invalid("a CORS rule has at most 64 origins"));
        }
        for headers in [&self.allowed_headers, &self.exposed_headers] {
            let prefixes = headers.iter().filter(|header| is_prefix(header)).count();
            if prefixes > PREFIXES_MAX || headers.len() - prefixes > LITERALS_MAX {
                return Err(invalid(
                    "a CORS rule has at most 64 headers and 2 prefixes of each kind",
                ));
            }
        }
        self.texts().try_for_each(check_text)
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        let lists = [
            &self.allowed_origins,
            &self.allowed_headers,
            &self.exposed_headers,
        ];
        lists.into_iter().flatten().map(String::as_str)
    }
}

/// `*` alone stands for all.
fn is_prefix(header: &str) -> bool {
    header.len() > 1 && header.ends_with('*')
}

fn check_text(text: &str) -> Result<()> {
    let wrong = |letter: char| letter.is_control() || letter == ',' || letter == ' ';
    if text.is_empty() || text.chars().count() > CHARS_MAX || text.contains(wrong) {
        let message = format!("{text:?} is no origin or header of a CORS rule");
        return Err(invalid(message).hint("use 1 to 256 characters without blanks and commas"));
    }
    Ok(())
}

/// Fails unless these rules can be the rules of a service.
pub(super) fn check(rules: &[CorsRule]) -> Result<()> {
    if rules.len() > RULES_MAX {
        let message = "a service has at most 5 CORS rules";
        return Err(Error::invalid("InvalidXmlDocument", message));
    }
    rules.iter().try_for_each(CorsRule::check)?;
    let bytes: usize = rules.iter().flat_map(CorsRule::texts).map(str::len).sum();
    if bytes > BYTES_MAX {
        return Err(invalid("the CORS rules of a service have at most 2 KiB of text"));
    }
    Ok(())
}
