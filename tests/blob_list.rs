//! A listing is what a sorted map gives: by prefix, with delimiter and marker, in pages of any size.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod blob_world;

use std::collections::BTreeMap;

use blob_world::{BlobWorld, blob, code, metadata, refused};
use proptest::prelude::*;
use strongroom::{
    BlobPage, Conditions, Container, ListBlobs, ListDetail, ListEntry, Marker, PageSize, UploadOptions,
};

/// Entries as text: a group ends with `*`, a blob has its length behind it.
fn show(page: &BlobPage) -> Vec<String> {
    let text = |entry: &ListEntry| match entry {
        ListEntry::Blob(item) => format!("{}={}", item.name, item.properties.length),
        ListEntry::Prefix(prefix) => format!("{prefix}*"),
        other => panic!("{other:?}"),
    };
    page.entries.iter().map(text).collect()
}

/// All pages of a listing.
fn pages(container: &Container, request: &ListBlobs) -> Vec<Vec<String>> {
    let mut request = request.clone();
    let mut pages = Vec::new();
    loop {
        let page = container.list_blobs(&request).unwrap();
        pages.push(show(&page));
        match page.next {
            Some(next) => request.marker = Some(next.to_string().parse().unwrap()),
            None => return pages,
        }
    }
}

/// What the listing should be.
fn model(blobs: &BTreeMap<String, usize>, request: &ListBlobs) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    for (name, length) in blobs.iter().filter(|(name, _)| name.starts_with(&request.prefix)) {
        let rest = &name[request.prefix.len()..];
        let group = request
            .delimiter
            .as_ref()
            .and_then(|delimiter| rest.find(delimiter).map(|at| at + delimiter.len()));
        let entry = match group {
            Some(end) => format!("{}*", &name[..request.prefix.len() + end]),
            None => format!("{name}={length}"),
        };
        if entries.last() != Some(&entry) {
            entries.push(entry);
        }
    }
    entries
}

const PREFIXES: &str = "(|a|a/|b/a|é|ab/)";
const DELIMITERS: &str = "(/|a/|b|é|//)";

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ab]{1,2}(/[ab]{1,2}){0,3}/?",
        1 => "[aé€🦀/]{1,4}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_listing_is_that_of_a_sorted_map(
        names in prop::collection::btree_map(name(), 0usize..4, 0..60),
        deleted in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        requests in prop::collection::vec((PREFIXES, prop::option::of(DELIMITERS), 1usize..9), 1..8),
    ) {
        let world = BlobWorld::new();
        let container = world.container("model");
        let neighbour = world.container("neighbour");
        neighbour.upload(&blob("a/a"), &b""[..], UploadOptions::default()).unwrap();
        let mut blobs = names;
        for (name, length) in &blobs {
            container.upload(&blob(name), &b"xxxx"[..*length], UploadOptions::default()).unwrap();
        }
        for index in deleted.iter().filter(|_| !blobs.is_empty()).collect::<Vec<_>>() {
            let Some(name) = blobs.keys().nth(index.index(blobs.len().max(1))).cloned() else { continue };
            container.delete_blob(&blob(&name), &Conditions::default()).unwrap();
            blobs.remove(&name);
        }
        for (prefix, delimiter, size) in requests {
            let page_size = PageSize::new(size).unwrap();
            let request = ListBlobs { prefix, delimiter, page_size, ..ListBlobs::default() };
            let want = model(&blobs, &request);
            let pages = pages(&container, &request);
            prop_assert_eq!(pages.concat(), want.clone(), "{:?}", request);
            let full = pages.len().saturating_sub(1);
            prop_assert!(pages[..full].iter().all(|page| page.len() == size), "{:?}", pages);
            prop_assert!(want.is_empty() || !pages[full].is_empty());
        }
    }
}

#[test]
fn folders_of_many_blobs_are_shown_once() {
    let world = BlobWorld::new();
    let container = world.container("folders");
    for folder in ["a", "b", "c"] {
        for index in 0..300 {
            let name = blob(&format!("{folder}/{index:03}"));
            container
                .upload(&name, &b""[..], UploadOptions::default())
                .unwrap();
        }
    }
    container
        .upload(&blob("b"), &b""[..], UploadOptions::default())
        .unwrap();
    let request = ListBlobs {
        delimiter: Some("/".to_owned()),
        page_size: PageSize::new(2).unwrap(),
        ..ListBlobs::default()
    };
    assert_eq!(pages(&container, &request), [["a/*", "b=0"], ["b/*", "c/*"]]);
    let all = ListBlobs {
        prefix: "b/".to_owned(),
        ..ListBlobs::default()
    };
    let page = container.list_blobs(&all).unwrap();
    assert_eq!((page.blobs().count(), page.prefixes().count()), (300, 0));
}

#[test]
fn metadata_is_shown_only_when_asked_for() {
    let world = BlobWorld::new();
    let container = world.container("metadata");
    let options = UploadOptions {
        metadata: metadata(&[("a", "1")]),
        ..UploadOptions::default()
    };
    container.upload(&blob("b"), &b""[..], options).unwrap();
    let shown = |detail| {
        let page = container
            .list_blobs(&ListBlobs {
                detail,
                ..ListBlobs::default()
            })
            .unwrap();
        page.blobs().next().unwrap().properties.metadata.clone()
    };
    assert_eq!(shown(ListDetail::Properties), None);
    assert_eq!(shown(ListDetail::Metadata), Some(metadata(&[("a", "1")])));
}

#[test]
fn a_marker_survives_what_others_do_meanwhile() {
    let world = BlobWorld::new();
    let container = world.container("marker");
    for name in ["a", "b", "c", "d"] {
        container
            .upload(&blob(name), &b""[..], UploadOptions::default())
            .unwrap();
    }
    let mut request = ListBlobs {
        page_size: PageSize::new(2).unwrap(),
        ..ListBlobs::default()
    };
    let first = container.list_blobs(&request).unwrap();
    container.delete_blob(&blob("c"), &Conditions::default()).unwrap();
    container
        .upload(&blob("bb"), &b""[..], UploadOptions::default())
        .unwrap();
    container
        .upload(&blob("cc"), &b""[..], UploadOptions::default())
        .unwrap();
    request.marker = first.next;
    assert_eq!(show(&container.list_blobs(&request).unwrap()), ["cc=0", "d=0"]);
    request.prefix = "zzz".to_owned();
    assert_eq!(show(&container.list_blobs(&request).unwrap()), [""; 0]);
}

#[test]
fn wrong_requests_are_refused() {
    let world = BlobWorld::new();
    let container = world.container("wrong");
    let request = ListBlobs {
        delimiter: Some(String::new()),
        ..ListBlobs::default()
    };
    assert_eq!(
        refused(container.list_blobs(&request)),
        code("InvalidQueryParameterValue", 400)
    );
    assert_eq!(
        refused(PageSize::new(0)),
        code("OutOfRangeQueryParameterValue", 400)
    );
    assert_eq!(PageSize::new(5001).unwrap().get(), 5000);
    for wrong in ["", "!", "a b", &"A".repeat(10_000)] {
        assert_eq!(
            refused(wrong.parse::<Marker>()),
            code("InvalidQueryParameterValue", 400)
        );
    }
}
