//! Conditional requests: who is let through, who is refused with which code, and that racing writers cannot
//! both win.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod blob_world;

use std::time::Duration;

use blob_world::{BlobWorld, blob, bytes, code, metadata, refused};
use strongroom::{
    Conditions, Container, ContentHeaders, DownloadOptions, ETag, ETagMatch, Error, ErrorKind, Timestamp,
    UploadOptions,
};

const NOT_MET: Option<(&str, u16)> = Some(("ConditionNotMet", 412));
const UNCHANGED: Option<(&str, u16)> = Some(("ConditionNotMet", 304));
const EXISTS: Option<(&str, u16)> = Some(("BlobAlreadyExists", 409));
const SEVERAL: Option<(&str, u16)> = Some(("MultipleConditionHeadersNotSupported", 400));
const UNSATISFIABLE: Option<(&str, u16)> = Some(("UnsatisfiableCondition", 400));
const MISSING: Option<(&str, u16)> = Some(("BlobNotFound", 404));

/// A container with one blob, its tag and time, and a tag it had before.
struct Scene {
    _world: BlobWorld,
    container: Container,
    etag: ETag,
    old: ETag,
    modified: Timestamp,
}

impl Scene {
    fn new() -> Self {
        let world = BlobWorld::new();
        let container = world.container("conditions");
        let put = || {
            container
                .upload(&blob("there"), &b"x"[..], UploadOptions::default())
                .unwrap()
        };
        let old = put().etag;
        world.clock.advance(Duration::from_secs(100));
        let receipt = put();
        Self {
            container: container.clone(),
            etag: receipt.etag,
            old,
            modified: receipt.last_modified,
            _world: world,
        }
    }

    /// Conditions in words: `match`/`none` with `same`, `old`, `both` or `any`; `since`/`until` with
    /// `before`, `at` or `after` the last change.
    fn conditions(&self, words: &str) -> Conditions {
        let tags = |word: &str| match word {
            "same" => Some(ETagMatch::from(self.etag)),
            "old" => Some(ETagMatch::from(self.old)),
            "both" => Some(ETagMatch::OneOf(vec![self.old, self.etag])),
            "any" => Some(ETagMatch::Any),
            word => panic!("{word}"),
        };
        let time = |word: &str| match word {
            "before" => Some(Timestamp::from_unix_seconds(self.modified.unix_seconds() - 1)),
            "at" => Some(self.modified),
            "after" => Some(self.modified.plus(Duration::from_secs(1))),
            word => panic!("{word}"),
        };
        let mut conditions = Conditions::default();
        for pair in words.split_whitespace() {
            match pair.split_once('=').unwrap() {
                ("match", word) => conditions.if_match = tags(word),
                ("none", word) => conditions.if_none_match = tags(word),
                ("since", word) => conditions.if_modified_since = time(word),
                ("until", word) => conditions.if_unmodified_since = time(word),
                (word, _) => panic!("{word}"),
            }
        }
        conditions
    }
}

#[track_caller]
fn compare<T>(what: &str, got: Result<T, Error>, want: Option<(&str, u16)>) {
    let got = got.err().map(|error| (error.code().to_owned(), error.status()));
    assert_eq!(got, want.map(|(name, status)| code(name, status)), "{what}");
}

/// Each case in a scene of its own: every kind of write to the blob that is there, then to one that is not.
#[track_caller]
fn check_write(
    words: &str,
    put: Option<(&str, u16)>,
    other: Option<(&str, u16)>,
    put_missing: Option<(&str, u16)>,
) {
    let upload = |name: &str| {
        let scene = Scene::new();
        let conditions = scene.conditions(words);
        let options = UploadOptions {
            conditions,
            ..UploadOptions::default()
        };
        scene.container.upload(&blob(name), &b"new"[..], options)
    };
    compare(&format!("put, {words}"), upload("there"), put);
    compare(
        &format!("put what is missing, {words}"),
        upload("missing"),
        put_missing,
    );
    let scene = Scene::new();
    let conditions = scene.conditions(words);
    let set = scene
        .container
        .set_blob_metadata(&blob("there"), &metadata(&[]), &conditions);
    compare(&format!("set metadata, {words}"), set, other);
    let scene = Scene::new();
    let set = scene.container.set_blob_headers(
        &blob("there"),
        &ContentHeaders::default(),
        &conditions_of(&scene, words),
    );
    compare(&format!("set headers, {words}"), set, other);
    let scene = Scene::new();
    compare(
        &format!("delete, {words}"),
        scene
            .container
            .delete_blob(&blob("there"), &conditions_of(&scene, words)),
        other,
    );
}

fn conditions_of(scene: &Scene, words: &str) -> Conditions {
    scene.conditions(words)
}

#[test]
fn writes() {
    check_write("", None, None, None);
    check_write("match=same", None, None, NOT_MET);
    check_write("match=old", NOT_MET, NOT_MET, NOT_MET);
    check_write("match=any", None, None, None);
    check_write("none=same", NOT_MET, NOT_MET, None);
    check_write("none=old", None, None, None);
    check_write("none=any", EXISTS, NOT_MET, None);
    check_write("since=before", None, None, None);
    check_write("since=at", NOT_MET, NOT_MET, None);
    check_write("since=after", NOT_MET, NOT_MET, None);
    check_write("until=before", NOT_MET, NOT_MET, None);
    check_write("until=at", None, None, None);
    check_write("until=after", None, None, None);
}

#[test]
fn in_a_pair_of_a_write_the_tag_decides() {
    check_write("match=same until=before", None, None, NOT_MET);
    check_write("match=old until=after", NOT_MET, NOT_MET, NOT_MET);
    check_write("none=old since=after", None, None, None);
    check_write("none=same since=before", NOT_MET, NOT_MET, None);
}

#[test]
fn writes_take_no_other_combination() {
    for words in [
        "match=same none=old",
        "match=same since=before",
        "none=old until=after",
        "since=before until=after",
    ] {
        check_write(words, SEVERAL, SEVERAL, SEVERAL);
    }
    for words in ["match=both", "none=both", "match=same none=old until=after"] {
        check_write(words, SEVERAL, SEVERAL, SEVERAL);
    }
}

#[track_caller]
fn check_read(words: &str, want: Option<(&str, u16)>) {
    let scene = Scene::new();
    let conditions = scene.conditions(words);
    let there = blob("there");
    let options = DownloadOptions {
        conditions: conditions.clone(),
        ..DownloadOptions::default()
    };
    compare(
        &format!("get, {words}"),
        scene.container.download(&there, &options, Vec::new()),
        want,
    );
    compare(
        &format!("show, {words}"),
        scene.container.blob_properties(&there, &conditions),
        want,
    );
    compare(
        &format!("metadata, {words}"),
        scene.container.blob_metadata(&there, &conditions),
        want,
    );
    let missing = scene.container.download(&blob("missing"), &options, Vec::new());
    compare(&format!("get what is missing, {words}"), missing, MISSING);
}

#[test]
fn reads() {
    check_read("", None);
    check_read("match=same", None);
    check_read("match=both", None);
    check_read("match=any", None);
    check_read("match=old", NOT_MET);
    check_read("until=before", NOT_MET);
    check_read("until=at", None);
    check_read("none=same", UNCHANGED);
    check_read("none=both", UNCHANGED);
    check_read("none=old", None);
    check_read("none=any", UNSATISFIABLE);
    check_read("since=before", None);
    check_read("since=at", UNCHANGED);
    check_read("match=same until=before", NOT_MET);
    check_read("match=old until=after", NOT_MET);
    check_read("none=same since=before", None);
    check_read("none=old since=after", None);
    check_read("none=same since=after", UNCHANGED);
    check_read("match=same none=old until=at since=before", None);
    check_read("match=same none=same until=at since=at", UNCHANGED);
}

#[test]
fn a_refused_write_changes_nothing() {
    let scene = Scene::new();
    let conditions = Conditions::if_match(scene.old);
    let options = UploadOptions {
        conditions: conditions.clone(),
        ..UploadOptions::default()
    };
    let upload = scene
        .container
        .upload(&blob("there"), bytes(200_000).as_slice(), options);
    assert_eq!(refused(upload), code("ConditionNotMet", 412));
    let shown = scene
        .container
        .blob_properties(&blob("there"), &Conditions::default())
        .unwrap();
    assert_eq!((shown.etag, shown.length), (scene.etag, 1));
}

#[test]
fn a_condition_is_checked_again_when_the_upload_commits() {
    let scene = Scene::new();
    let begin = |conditions| {
        let options = UploadOptions {
            conditions,
            ..UploadOptions::default()
        };
        scene.container.begin_upload(&blob("there"), options).unwrap()
    };
    let mut slow = begin(Conditions::if_match(scene.etag));
    slow.write(&bytes(100_000)).unwrap();
    let quick = begin(Conditions::if_match(scene.etag)).commit().unwrap();
    assert_eq!(refused(slow.commit()), code("ConditionNotMet", 412));
    let shown = scene
        .container
        .blob_properties(&blob("there"), &Conditions::default())
        .unwrap();
    assert_eq!(shown.etag, quick.etag);
}

#[test]
fn of_many_racing_writers_exactly_one_wins() {
    let scene = Scene::new();
    let winners = std::thread::scope(|scope| {
        let race = |_| {
            scope.spawn(|| {
                let conditions = Conditions::if_match(scene.etag);
                let options = UploadOptions {
                    conditions,
                    ..UploadOptions::default()
                };
                scene.container.upload(&blob("there"), &b"racer"[..], options)
            })
        };
        let racers: Vec<_> = (0..8).map(race).collect();
        let results = racers.into_iter().map(|racer| racer.join().unwrap());
        results
            .filter(|result| result.as_ref().map_err(Error::kind) != Err(ErrorKind::Precondition))
            .count()
    });
    assert_eq!(winners, 1);
}

#[test]
fn tags_are_read_as_they_are_written() {
    let scene = Scene::new();
    let text = format!("{}, {}", scene.old, scene.etag.unquoted());
    assert_eq!(
        text.parse::<ETagMatch>().unwrap(),
        ETagMatch::OneOf(vec![scene.old, scene.etag])
    );
    assert_eq!(" * ".parse::<ETagMatch>().unwrap(), ETagMatch::Any);
    for wrong in [
        "",
        "\"0x\"",
        "0xZZ",
        "W/\"0x8D\"",
        "12",
        "0x+1",
        "\"0x8D0000000000000000000\"",
    ] {
        assert_eq!(
            refused(wrong.parse::<ETagMatch>()),
            code("InvalidHeaderValue", 400),
            "{wrong:?}"
        );
    }
}
