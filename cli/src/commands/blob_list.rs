//! `storage blob list`.

use serde_json::{Map, Value};
use strongroom::{ContainerName, ListBlobs, ListDetail, ListEntry, ListInclude};

use super::paging::{Page, collect};
use super::{blob, shape};
use crate::args::blob::ListBlobs as ListArgs;
use crate::output::error::Failure;
use crate::session::Session;

/// What can be included: the word, and the letter that stands for it.
const WORDS: [(&str, Option<char>); 10] = [
    ("copy", Some('c')),
    ("deleted", Some('d')),
    ("deletedwithversions", None),
    ("immutabilitypolicy", Some('i')),
    ("legalhold", Some('l')),
    ("metadata", Some('m')),
    ("snapshots", Some('s')),
    ("tags", Some('t')),
    ("uncommittedblobs", Some('u')),
    ("versions", Some('v')),
];

/// Lists blobs.
pub(super) fn run(session: &Session, args: &ListArgs) -> Result<Value, Failure> {
    let (detail, include) = included(&args.include)?;
    let container = blob::place(session, &args.place)?;
    let start = args.marker.as_deref().map(str::parse).transpose()?;
    let listed = collect(start, args.num_results, |marker, page_size| {
        let prefix = args.prefix.clone().unwrap_or_default();
        let request = ListBlobs {
            prefix,
            delimiter: args.delimiter.clone(),
            marker,
            page_size,
            detail,
            include,
        };
        let page = container.list_blobs(&request)?;
        let items = page
            .entries
            .iter()
            .map(|entry| list_entry(container.name(), entry))
            .collect();
        Ok(Page {
            items,
            next: page.next,
        })
    })?;
    Ok(listed.into_json(args.show_next_marker))
}

fn list_entry(container: &ContainerName, entry: &ListEntry) -> Value {
    match entry {
        ListEntry::Blob(item) => shape::item(container, item),
        ListEntry::Prefix(prefix) => {
            Map::from_iter([("name".to_owned(), Value::from(prefix.as_str()))]).into()
        }
        _ => Value::Null,
    }
}

/// Reads `--include`: letters, together or apart, or words.
fn included(texts: &[String]) -> Result<(ListDetail, ListInclude), Failure> {
    let (mut detail, mut include) = (ListDetail::default(), ListInclude::default());
    for word in words(texts)? {
        match word {
            "deleted" => include.deleted = true,
            "deletedwithversions" => include.deleted_with_versions = true,
            "metadata" => detail = ListDetail::Metadata,
            "snapshots" => include.snapshots = true,
            "tags" => include.tags = true,
            "uncommittedblobs" => include.uncommitted = true,
            "versions" => include.versions = true,
            // Copies, policies and holds are shown without being asked for.
            _ => {}
        }
    }
    Ok((detail, include))
}

/// The words that are meant.
fn words(texts: &[String]) -> Result<Vec<&'static str>, Failure> {
    let mut found = Vec::new();
    for text in texts.iter().map(|text| text.trim().to_ascii_lowercase()) {
        if let Some((word, _)) = WORDS.iter().find(|(word, _)| *word == text) {
            found.push(*word);
            continue;
        }
        for letter in text.chars() {
            let known = WORDS.iter().find(|(_, short)| *short == Some(letter));
            found.push(known.map(|(word, _)| *word).ok_or_else(|| unknown(&text))?);
        }
    }
    Ok(found)
}

fn unknown(text: &str) -> Failure {
    let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
    let message = format!("--include: '{text}' is none of c, d, i, l, m, s, t, u, v");
    Failure::usage("InvalidArgumentValueError", message).hint(format!(
        "Give letters, as in --include ms, or words: {}.",
        words.join(", ")
    ))
}
