//! Tags are set, read, asked for by conditions, and blobs are found by them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod blob_world;

use std::time::Duration;

use blob_world::{BlobWorld, blob, code, refused};
use strongroom::{
    Conditions, Container, DownloadOptions, Error, FindBlobs, FoundPage, ListBlobs, Metadata, PageSize, Tags,
    UploadOptions,
};

fn put(container: &Container, name: &str, tags: &str) {
    let options = UploadOptions {
        tags: tags.parse().unwrap(),
        ..UploadOptions::default()
    };
    container.upload(&blob(name), &b"x"[..], options).unwrap();
}

fn if_tags(condition: &str) -> Conditions {
    Conditions {
        if_tags: Some(condition.parse().unwrap()),
        ..Conditions::default()
    }
}

#[test]
fn tags_are_replaced_whole_and_move_neither_tag_nor_time() {
    let world = BlobWorld::new();
    let container = world.container("tagged");
    put(&container, "b", "a=1&b=2");
    let all = Conditions::default();
    let before = container.blob_properties(&blob("b"), &all).unwrap();
    assert_eq!(before.tag_count, 2);
    world.clock.advance(Duration::from_secs(5));
    let tags: Tags = "c=3".parse().unwrap();
    container.set_blob_tags(&blob("b"), &tags, &all).unwrap();
    assert_eq!(container.blob_tags(&blob("b"), &all).unwrap(), tags);
    let after = container.blob_properties(&blob("b"), &all).unwrap();
    assert_eq!(
        (after.etag, after.last_modified),
        (before.etag, before.last_modified)
    );
    assert_eq!(after.tag_count, 1);
    container.set_blob_tags(&blob("b"), &Tags::new(), &all).unwrap();
    assert!(container.blob_tags(&blob("b"), &all).unwrap().is_empty());
    let missing = code("BlobNotFound", 404);
    assert_eq!(refused(container.blob_tags(&blob("none"), &all)), missing);
    assert_eq!(
        refused(container.set_blob_tags(&blob("none"), &tags, &all)),
        missing
    );
}

#[test]
fn conditions_on_tags_hold_for_reads_and_writes_together_with_the_others() {
    let world = BlobWorld::new();
    let container = world.container("tagged");
    put(&container, "b", "status=done&year=2026");
    let name = blob("b");
    type Call = fn(&Container, &Conditions) -> Result<(), Error>;
    let calls: [Call; 4] = [
        |container, conditions| {
            let options = DownloadOptions {
                conditions: conditions.clone(),
                ..DownloadOptions::default()
            };
            container
                .download(&blob("b"), &options, std::io::sink())
                .map(|_| ())
        },
        |container, conditions| container.blob_tags(&blob("b"), conditions).map(|_| ()),
        |container, conditions| {
            container
                .set_blob_metadata(&blob("b"), &Metadata::new(), conditions)
                .map(|_| ())
        },
        |container, conditions| {
            let tags = "status=done&year=2026".parse().unwrap();
            container.set_blob_tags(&blob("b"), &tags, conditions)
        },
    ];
    let not_met = code("ConditionNotMet", 412);
    for call in calls {
        call(&container, &if_tags("status = 'done' AND year > '2025'")).unwrap();
        call(&container, &if_tags("status <> 'done' OR year = '2026'")).unwrap();
        assert_eq!(refused(call(&container, &if_tags("status <> 'done'"))), not_met);
        let stale = Conditions {
            if_match: Some("0x8D0000000000001".parse().unwrap()),
            ..if_tags("status = 'done'")
        };
        assert_eq!(refused(call(&container, &stale)), not_met);
    }
    let absent = UploadOptions {
        conditions: if_tags("status = 'done'"),
        ..UploadOptions::default()
    };
    assert_eq!(refused(container.upload(&blob("new"), &b""[..], absent)), not_met);
    assert_eq!(
        refused(container.set_metadata(&Metadata::new(), &if_tags("a = 'b'"))),
        code("ConditionHeadersNotSupported", 400)
    );
    let overwrite = UploadOptions {
        conditions: if_tags("year = '2026'"),
        ..UploadOptions::default()
    };
    container.upload(&name, &b"y"[..], overwrite).unwrap();
    assert!(
        container
            .blob_tags(&name, &Conditions::default())
            .unwrap()
            .is_empty()
    );
}

fn names(page: &FoundPage) -> Vec<String> {
    let name = |found: &strongroom::FoundBlob| format!("{}/{} {}", found.container, found.name, found.tags);
    page.blobs.iter().map(name).collect()
}

#[test]
fn blobs_are_found_across_containers_with_the_tags_that_were_asked_for() {
    let world = BlobWorld::new();
    let (one, two) = (world.container("one"), world.container("two"));
    put(&one, "a", "status=done&year=2025&extra=1");
    put(&one, "b", "status=open&year=2026");
    put(&two, "a", "status=done&year=2026");
    put(&two, "plain", "");
    let find = |query: &str| {
        let request = FindBlobs::new(query.parse().unwrap());
        names(&world.account.find_blobs(&request).unwrap())
    };
    assert_eq!(
        find("status = 'done'"),
        ["one/a status=done", "two/a status=done"]
    );
    assert_eq!(
        find("status = 'done' AND year >= '2026'"),
        ["two/a status=done&year=2026"]
    );
    assert_eq!(
        find("@container = 'one' AND year > '2000'"),
        ["one/a year=2025", "one/b year=2026"]
    );
    assert_eq!(find("@container = 'none' AND year > '2000'"), [""; 0]);
    let request = FindBlobs::new("status = 'done'".parse().unwrap());
    assert_eq!(names(&two.find_blobs(&request).unwrap()), ["two/a status=done"]);
    two.delete_blob(&blob("a"), &Conditions::default()).unwrap();
    one.set_blob_tags(
        &blob("b"),
        &"status=done".parse().unwrap(),
        &Conditions::default(),
    )
    .unwrap();
    assert_eq!(
        find("status = 'done'"),
        ["one/a status=done", "one/b status=done"]
    );
    one.delete(&Conditions::default()).unwrap();
    assert_eq!(find("status = 'done'"), [""; 0]);
    let gone = FindBlobs::new("status = 'done'".parse().unwrap());
    assert_eq!(refused(one.find_blobs(&gone)), code("ContainerNotFound", 404));
}

#[test]
fn a_listing_shows_the_tags_it_is_asked_for() {
    let world = BlobWorld::new();
    let container = world.container("tagged");
    put(&container, "a", "k=v");
    put(&container, "b", "");
    let mut request = ListBlobs::default();
    let shown = |request: &ListBlobs| -> Vec<Option<Tags>> {
        let page = container.list_blobs(request).unwrap();
        page.blobs().map(|item| item.tags.clone()).collect()
    };
    assert_eq!(shown(&request), [None, None]);
    request.include.tags = true;
    assert_eq!(shown(&request), [Some("k=v".parse().unwrap()), Some(Tags::new())]);
}

#[test]
fn pages_of_any_size_together_are_the_whole_result() {
    let world = BlobWorld::new();
    for container in ["aa-1", "aa-2", "aa-3"] {
        let container = world.container(container);
        for index in 0..40 {
            let tags = if index % 3 == 0 { "hit=yes" } else { "hit=no" };
            put(&container, &format!("blob{index:02}"), tags);
        }
    }
    let mut request = FindBlobs::new("hit = 'yes'".parse().unwrap());
    let whole = names(&world.account.find_blobs(&request).unwrap());
    assert_eq!(whole.len(), 3 * 14);
    for size in [1, 5, 14, 41, 42, 43] {
        request.page_size = PageSize::new(size).unwrap();
        request.marker = None;
        let mut seen = Vec::new();
        loop {
            let page = world.account.find_blobs(&request).unwrap();
            assert!(page.blobs.len() <= size);
            seen.extend(names(&page));
            match page.next {
                Some(next) => request.marker = Some(next.to_string().parse().unwrap()),
                None => break,
            }
        }
        assert_eq!(seen, whole, "{size}");
    }
}
