//! Copies: within an account at once, between accounts by and by, each with the codes of Azure.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod blob_world;
mod common;

use blob_world::{BlobWorld, CHUNK, blob, bytes, code, container_name, metadata, refused};
use strongroom::{
    AccessTier, Account, ArchiveStatus, BlobProperties, BlobReceipt, BlobSource, BlobType, BlobVersionRef,
    BlockId, BlockListFilter, ByteRange, Conditions, Container, ContentHeaders, CopyOptions, CopyState,
    CopyStatus, CreateBlobOptions, ETag, Error, LeaseDuration, LeaseRequest, ListedBlock, Metadata,
    NewAccount, PutBlockListOptions, PutBlockOptions, SnapshotOptions, SourceTags, UploadOptions,
};

const NONE: fn() -> CopyOptions = CopyOptions::default;

fn put(container: &Container, name: &str, content: &[u8]) -> BlobReceipt {
    let options = UploadOptions {
        headers: ContentHeaders::of_type("text/plain"),
        metadata: metadata(&[("who", "carol")]),
        tags: "a=1&b=2".parse().unwrap(),
        ..UploadOptions::default()
    };
    container.upload(&blob(name), content, options).unwrap()
}

fn id(number: u32) -> BlockId {
    BlockId::new(&number.to_be_bytes()).unwrap()
}

/// A blob of `count` blocks of two chunks each; its content.
fn put_blocks(container: &Container, name: &str, count: u32) -> Vec<u8> {
    let mut all = Vec::new();
    let mut list = Vec::new();
    for number in 0..count {
        let block: Vec<u8> = bytes(CHUNK + 1).iter().map(|byte| byte ^ number as u8).collect();
        container
            .put_block(
                &blob(name),
                &id(number),
                block.as_slice(),
                &PutBlockOptions::default(),
            )
            .unwrap();
        list.push(ListedBlock::Latest(id(number)));
        all.extend(block);
    }
    let options = PutBlockListOptions {
        metadata: metadata(&[("who", "carol")]),
        ..PutBlockListOptions::default()
    };
    container.put_block_list(&blob(name), &list, &options).unwrap();
    all
}

fn content(container: &Container, name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    container
        .download(&blob(name), &strongroom::DownloadOptions::default(), &mut out)
        .unwrap();
    out
}

fn properties(container: &Container, name: &str) -> BlobProperties {
    container
        .blob_properties(&blob(name), &Conditions::default())
        .unwrap()
}

fn copy_state(container: &Container, name: &str) -> CopyState {
    properties(container, name).copy.unwrap()
}

fn source(container: &Container, name: &str) -> BlobSource {
    BlobSource::new(container, blob(name))
}

/// Another account of the store, with a container.
fn other(world: &BlobWorld) -> (Account, Container) {
    let tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47".parse().unwrap();
    let new = NewAccount::new("other".parse().unwrap(), tenant, "westus".parse().unwrap());
    let account = world.store.create_account(&new).unwrap();
    let container = account.container(&container_name("there"));
    container.create(&Metadata::new()).unwrap();
    (account, container)
}

fn same_blocks(one: &Container, two: &Container, name: &str) {
    let list = |container: &Container| {
        let list = container.block_list(&blob(name), BlockListFilter::All, &Conditions::default());
        list.unwrap().committed
    };
    assert_eq!(list(one), list(two));
    assert!(!list(one).is_empty());
}

#[test]
fn a_copy_within_an_account_has_everything_that_its_source_has() {
    let world = BlobWorld::new();
    let (from, to) = (world.container("from"), world.container("into"));
    let all = put_blocks(&from, "b", 5);
    let receipt = to.start_copy(&blob("b"), &source(&from, "b"), &NONE()).unwrap();
    assert_eq!(receipt.status, CopyStatus::Success);
    same_blocks(&from, &to, "b");
    assert_eq!(content(&to, "b"), all);
    let found = properties(&to, "b");
    assert_eq!(found.metadata.unwrap(), metadata(&[("who", "carol")]));
    let state = found.copy.unwrap();
    assert_eq!(
        (state.id, state.copied, state.total),
        (receipt.id, all.len() as u64, all.len() as u64)
    );
    assert_eq!(state.source, "/blobs/from/b");
    assert!(state.completed.is_some() && state.description.is_none());

    put(&from, "small", &bytes(100));
    let options = CopyOptions {
        metadata: metadata(&[("new", "yes")]),
        source_tags: SourceTags::Copy,
        tier: Some(AccessTier::Cool),
        source_url: Some("https://blobs.blob.core.windows.net/from/small".to_owned()),
        ..NONE()
    };
    to.copy_blob(&blob("small"), &source(&from, "small"), &options)
        .unwrap();
    let found = properties(&to, "small");
    assert_eq!(found.metadata.unwrap(), metadata(&[("new", "yes")]));
    assert_eq!((found.tag_count, found.tier), (2, Some(AccessTier::Cool)));
    assert_eq!(found.headers.content_type, "text/plain");
    assert_eq!(found.content_md5, properties(&from, "small").content_md5);
    assert_eq!(found.copy.unwrap().source, options.source_url.unwrap());
    // Onto itself: only what the options say changes.
    let again = CopyOptions {
        metadata: metadata(&[("turn", "2")]),
        ..NONE()
    };
    to.start_copy(&blob("small"), &source(&to, "small"), &again)
        .unwrap();
    assert_eq!(content(&to, "small"), bytes(100));
    assert_eq!(
        properties(&to, "small").metadata.unwrap(),
        metadata(&[("turn", "2")])
    );
    assert!(world.store.scrub(None, |_| ()).unwrap().damage.is_empty());
}

#[test]
fn a_snapshot_becomes_the_base_again_and_append_blobs_are_copied() {
    let world = BlobWorld::new();
    let container = world.container("box");
    put(&container, "b", &bytes(2 * CHUNK));
    let taken = container
        .snapshot_blob(&blob("b"), &SnapshotOptions::default())
        .unwrap();
    put(&container, "b", b"changed");
    let past = BlobSource {
        which: BlobVersionRef::Snapshot(taken.snapshot),
        ..source(&container, "b")
    };
    container.start_copy(&blob("b"), &past, &NONE()).unwrap();
    assert_eq!(content(&container, "b"), bytes(2 * CHUNK));

    container
        .create_append_blob(&blob("log"), &CreateBlobOptions::default())
        .unwrap();
    let append = |name: &str, text: &[u8]| {
        let options = strongroom::AppendBlockOptions::default();
        container.append_block(&blob(name), text, &options).unwrap()
    };
    append("log", b"one");
    let (_, there) = other(&world);
    for to in [&container, &there] {
        to.start_copy(&blob("copy"), &source(&container, "log"), &NONE())
            .unwrap();
        while !world.store.maintain().unwrap().done {}
        let found = properties(to, "copy");
        assert_eq!(found.blob_type, BlobType::AppendBlob);
        assert_eq!(found.committed_block_count, Some(1));
        let options = strongroom::AppendBlockOptions::default();
        to.append_block(&blob("copy"), b"two".as_slice(), &options)
            .unwrap();
        assert_eq!(content(to, "copy"), b"onetwo");
        assert_eq!(content(&container, "log"), b"one");
    }
    assert!(world.store.scrub(None, |_| ()).unwrap().damage.is_empty());
}

#[test]
fn pages_are_shared_within_an_account_and_written_apart() {
    let world = BlobWorld::new();
    let container = world.container("box");
    let (_, there) = other(&world);
    let options = CreateBlobOptions::default();
    container
        .create_page_blob(&blob("disk"), (8192, 7), &options)
        .unwrap();
    let write = |name: &str, offset: u64, byte: u8| {
        let pages = vec![byte; 512];
        let options = strongroom::PutPagesOptions::default();
        container
            .put_pages(&blob(name), (offset, 512), pages.as_slice(), &options)
            .unwrap();
    };
    write("disk", 512, 1);
    container
        .start_copy(&blob("copy"), &source(&container, "disk"), &NONE())
        .unwrap();
    write("disk", 1024, 2);
    write("copy", 1536, 3);
    let first = |name: &str| {
        content(&container, name)
            .chunks(512)
            .take(4)
            .map(|page| page[0])
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (first("disk"), first("copy")),
        (vec![0, 1, 2, 0], vec![0, 1, 0, 3])
    );
    assert_eq!(properties(&container, "copy").sequence_number, Some(7));
    for copied in [
        there.start_copy(&blob("copy"), &source(&container, "disk"), &NONE()),
        there.copy_blob(&blob("copy"), &source(&container, "disk"), &NONE()),
    ] {
        assert_eq!(refused(copied), code("InvalidSourceBlobType", 409));
    }
    assert!(world.store.scrub(None, |_| ()).unwrap().damage.is_empty());
}

#[test]
fn every_refusal_has_its_code_and_changes_nothing() {
    let world = BlobWorld::new();
    let container = world.container("box");
    put(&container, "b", b"source");
    put(&container, "there", b"before");
    container
        .create_append_blob(&blob("log"), &CreateBlobOptions::default())
        .unwrap();
    let lease = LeaseRequest::Acquire {
        duration: LeaseDuration::INFINITE,
        proposed: None,
    };
    put(&container, "leased", b"before");
    container
        .lease_blob(&blob("leased"), lease, &Conditions::default())
        .unwrap();
    let tag: ETag = "0x1".parse().unwrap();
    let wrong_source = BlobSource {
        conditions: Conditions::if_match(tag),
        ..source(&container, "b")
    };
    let absent = world.account.container(&container_name("absent"));
    let both = CopyOptions {
        tags: "a=1".parse().unwrap(),
        source_tags: SourceTags::Copy,
        ..NONE()
    };
    let long = CopyOptions {
        source_url: Some("x".repeat(2049)),
        ..NONE()
    };
    let with = |conditions| CopyOptions { conditions, ..NONE() };
    let tier = |tier| CopyOptions {
        tier: Some(tier),
        ..NONE()
    };
    let before = world.store.write_counts();
    let b = || source(&container, "b");
    for (to, name, from, options, want, status) in [
        (&absent, "there", b(), NONE(), "ContainerNotFound", 404),
        (
            &container,
            "there",
            source(&absent, "b"),
            NONE(),
            "ContainerNotFound",
            404,
        ),
        (
            &container,
            "there",
            source(&container, "no"),
            NONE(),
            "BlobNotFound",
            404,
        ),
        (
            &container,
            "there",
            wrong_source,
            NONE(),
            "SourceConditionNotMet",
            412,
        ),
        (
            &container,
            "there",
            b(),
            with(Conditions::if_match(tag)),
            "ConditionNotMet",
            412,
        ),
        (
            &container,
            "there",
            b(),
            with(Conditions::if_absent()),
            "BlobAlreadyExists",
            409,
        ),
        (&container, "leased", b(), NONE(), "LeaseIdMissing", 412),
        (&container, "log", b(), NONE(), "InvalidBlobType", 409),
        (
            &container,
            "there",
            b(),
            both,
            "BothUserTagsAndSourceTagsCopyPresentException",
            400,
        ),
        (&container, "there", b(), long, "InvalidHeaderValue", 400),
        (
            &container,
            "there",
            b(),
            tier(AccessTier::P4),
            "AccessTierNotSupportedForBlobType",
            400,
        ),
    ] {
        let started = to.start_copy(&blob(name), &from, &options);
        assert_eq!(refused(started), code(want, status), "{want}");
        let copied = to.copy_blob(&blob(name), &from, &options);
        assert_eq!(refused(copied), code(want, status), "{want}, at once");
    }
    let of_log = container.copy_blob(&blob("new"), &source(&container, "log"), &NONE());
    assert_eq!(refused(of_log), code("InvalidSourceBlobType", 409));
    let nothing = container.abort_copy(&blob("b"), uuid(), &Conditions::default());
    assert_eq!(refused(nothing), code("NoPendingCopyOperation", 409));
    assert_eq!(world.store.write_counts().since(&before).chunk_bytes, 0);
    assert_eq!(content(&container, "there"), b"before");
}

fn uuid() -> uuid::Uuid {
    uuid::Uuid::from_bytes([7; 16])
}

#[test]
fn archived_sources_need_a_tier_and_the_same_account() {
    let world = BlobWorld::new();
    let container = world.container("box");
    let (_, there) = other(&world);
    put(&container, "b", b"source");
    container
        .set_blob_tier(
            &blob("b"),
            AccessTier::Archive,
            &strongroom::SetTierOptions::default(),
        )
        .unwrap();
    let from = source(&container, "b");
    let cool = CopyOptions {
        tier: Some(AccessTier::Cool),
        ..NONE()
    };
    let archived = code("BlobArchived", 409);
    assert_eq!(
        refused(container.start_copy(&blob("d"), &from, &NONE())),
        archived
    );
    assert_eq!(refused(there.start_copy(&blob("d"), &from, &cool)), archived);
    container.start_copy(&blob("d"), &from, &cool).unwrap();
    let found = properties(&container, "d");
    assert_eq!(found.tier, Some(AccessTier::Archive));
    assert_eq!(found.archive_status, Some(ArchiveStatus::RehydratePendingToCool));
    world.clock.advance(std::time::Duration::from_secs(15 * 3600));
    assert_eq!(content(&container, "d"), b"source");
}

#[test]
fn a_copy_between_accounts_shows_its_progress_and_nothing_else_changes_it() {
    let world = BlobWorld::new();
    let from = world.container("from");
    let (account, to) = other(&world);
    let all = put_blocks(&from, "b", 70);
    put(&to, "b", b"before");
    let receipt = to.start_copy(&blob("b"), &source(&from, "b"), &NONE()).unwrap();
    assert_eq!(receipt.status, CopyStatus::Pending);
    let found = properties(&to, "b");
    assert_eq!(
        (found.length, found.metadata.unwrap()),
        (0, metadata(&[("who", "carol")]))
    );
    let pending = code("PendingCopyOperation", 409);
    let none = Conditions::default();
    for (what, result) in [
        (
            "copy",
            to.start_copy(&blob("b"), &source(&from, "b"), &NONE()).map(drop),
        ),
        (
            "put",
            to.upload(&blob("b"), b"x".as_slice(), UploadOptions::default())
                .map(drop),
        ),
        ("delete", to.delete_blob(&blob("b"), &none)),
        (
            "metadata",
            to.set_blob_metadata(&blob("b"), &Metadata::new(), &none)
                .map(drop),
        ),
        (
            "snapshot",
            to.snapshot_blob(&blob("b"), &SnapshotOptions::default())
                .map(drop),
        ),
        (
            "from",
            from.start_copy(&blob("x"), &source(&to, "b"), &NONE()).map(drop),
        ),
    ] {
        assert_eq!(refused(result), pending, "{what}");
    }
    assert_eq!(
        refused(to.abort_copy(&blob("b"), uuid(), &none)),
        code("CopyIdMismatch", 409)
    );
    let done = account.maintain().unwrap();
    assert_eq!((done.copy_steps, done.done), (64, false));
    let state = copy_state(&to, "b");
    assert_eq!(state.status, CopyStatus::Pending);
    assert_eq!(
        (state.copied, state.total),
        (64 * (CHUNK as u64 + 1), all.len() as u64)
    );
    assert!(account.maintain().unwrap().done);
    assert_eq!(copy_state(&to, "b").status, CopyStatus::Success);
    assert_eq!(content(&to, "b"), all);
    same_blocks(&from, &to, "b");
    assert_ne!(properties(&to, "b").etag, receipt.etag);
    from.delete_blob(&blob("b"), &none).unwrap();
    assert_eq!(content(&to, "b"), all, "another account's content");
    assert!(world.store.scrub(None, |_| ()).unwrap().damage.is_empty());
}

/// What ends a copy under way; afterwards nothing of it is left but an empty blob that says why.
#[test]
fn a_copy_that_ends_early_gives_up_what_it_copied() {
    let none = Conditions::default();
    type End = fn(&Container, &Container, uuid::Uuid);
    let ends: [(CopyStatus, Option<&str>, End); 4] = [
        (CopyStatus::Aborted, None, |_, to, id| {
            to.abort_copy(&blob("b"), id, &Conditions::default()).unwrap();
        }),
        (
            CopyStatus::Failed,
            Some("412 SourceConditionNotMet"),
            |from, _, _| {
                put(from, "b", b"another");
            },
        ),
        (CopyStatus::Failed, Some("404 BlobNotFound"), |from, _, _| {
            from.delete_blob(&blob("b"), &Conditions::default()).unwrap();
        }),
        (CopyStatus::Failed, Some("404 ContainerNotFound"), |from, _, _| {
            from.delete(&Conditions::default()).unwrap();
        }),
    ];
    for (status, description, end) in ends {
        let world = BlobWorld::new();
        let from = world.container("from");
        let (account, to) = other(&world);
        put_blocks(&from, "b", 70);
        let empty = world.store.stats().unwrap().accounts.last().unwrap().records;
        let receipt = to.start_copy(&blob("b"), &source(&from, "b"), &NONE()).unwrap();
        account.maintain().unwrap();
        end(&from, &to, receipt.id);
        while !account.maintain().unwrap().done {}
        let state = copy_state(&to, "b");
        assert_eq!(state.status, status);
        assert!(state.completed.is_some());
        match description {
            Some(wanted) => assert!(state.description.unwrap().starts_with(wanted)),
            None => assert_eq!(state.description, None),
        }
        assert_eq!(content(&to, "b"), b"");
        let aborted = to.abort_copy(&blob("b"), receipt.id, &none);
        assert_eq!(refused(aborted), code("NoPendingCopyOperation", 409));
        to.delete_blob(&blob("b"), &none).unwrap();
        while !account.maintain().unwrap().done {}
        let left = world.store.stats().unwrap().accounts.last().unwrap().records;
        // The counter of content ids is new.
        assert_eq!(left, empty + 1, "{status}");
    }
}

#[test]
fn a_copy_at_once_between_accounts_keeps_blocks() {
    let world = BlobWorld::new();
    let from = world.container("from");
    let (_, to) = other(&world);
    let all = put_blocks(&from, "b", 7);
    let receipt = to.copy_blob(&blob("b"), &source(&from, "b"), &NONE()).unwrap();
    assert_eq!(receipt.status, CopyStatus::Success);
    assert_eq!(content(&to, "b"), all);
    same_blocks(&from, &to, "b");
    put(&from, "small", &bytes(3 * CHUNK));
    to.copy_blob(&blob("small"), &source(&from, "small"), &NONE())
        .unwrap();
    assert_eq!(content(&to, "small"), bytes(3 * CHUNK));
    put(&from, "empty", b"");
    let receipt = to
        .start_copy(&blob("empty"), &source(&from, "empty"), &NONE())
        .unwrap();
    assert_eq!(receipt.status, CopyStatus::Success);
}

#[test]
fn blocks_and_blobs_are_put_from_ranges_of_others() {
    let world = BlobWorld::new();
    let container = world.container("box");
    let (_, there) = other(&world);
    put(&container, "b", &bytes(3 * CHUNK));
    for to in [&container, &there] {
        let range = BlobSource {
            range: ByteRange::inclusive(10, CHUNK as u64 + 9).unwrap(),
            ..source(&container, "b")
        };
        let options = PutBlockOptions::default();
        let receipt = to.put_block_from(&blob("d"), &id(1), &range, &options).unwrap();
        assert_eq!(receipt.length, CHUNK as u64);
        let list = [ListedBlock::Latest(id(1))];
        to.put_block_list(&blob("d"), &list, &PutBlockListOptions::default())
            .unwrap();
        assert!(content(to, "d") == bytes(3 * CHUNK).get(10..CHUNK + 10).unwrap());
        to.put_blob_from(&blob("e"), &range, UploadOptions::default())
            .unwrap();
        assert!(content(to, "e") == bytes(3 * CHUNK).get(10..CHUNK + 10).unwrap());
        assert_eq!(properties(to, "e").headers.content_type, "text/plain");
        let wrong = UploadOptions {
            content_md5: strongroom::ContentMd5::Provided([0; 16]),
            ..UploadOptions::default()
        };
        let wrong = to.put_blob_from(&blob("f"), &range, wrong);
        assert_eq!(refused(wrong), code("Md5Mismatch", 400));
        let far = BlobSource {
            range: ByteRange::from(3 * CHUNK as u64),
            ..source(&container, "b")
        };
        let far = to.put_block_from(&blob("f"), &id(1), &far, &options);
        assert_eq!(refused(far), code("InvalidRange", 416));
    }
}

#[test]
fn an_address_is_a_source_of_the_store() {
    let world = BlobWorld::new();
    let container = world.container("box");
    put(&container, "a b/ü", b"source");
    let taken = container
        .snapshot_blob(&blob("a b/ü"), &SnapshotOptions::default())
        .unwrap();
    let found = world
        .store
        .blob_source("https://blobs.blob.core.windows.net/box/a%20b/%C3%BC?sv=1&sig=x%2F")
        .unwrap();
    assert_eq!(
        (found.name.as_str(), found.which),
        ("a b/ü", BlobVersionRef::Base)
    );
    let url = format!(
        "http://blobs.blob.local:80/box/a%20b/%C3%BC?snapshot={}",
        taken.snapshot
    );
    let found = world.store.blob_source(&url).unwrap();
    assert_eq!(found.which, BlobVersionRef::Snapshot(taken.snapshot));
    container.start_copy(&blob("d"), &found, &NONE()).unwrap();
    assert_eq!(content(&container, "d"), b"source");
    let root = world.store.blob_source("https://blobs.blob.x/logo.png").unwrap();
    assert_eq!(root.container.name().as_str(), "$root");
    let refusal = |url: &str| {
        let error: Error = world.store.blob_source(url).err().unwrap();
        assert!(!error.to_string().contains("sig="), "a signature is a secret");
        (error.code().to_owned(), error.status())
    };
    for (url, want, status) in [
        ("blobs/c/b", "InvalidHeaderValue", 400),
        ("ftp://blobs.blob.x/c/b", "InvalidHeaderValue", 400),
        ("https://blobs.file.x/c/b?sig=1", "InvalidHeaderValue", 400),
        ("https://blobs.blob.x/box/%zz", "InvalidHeaderValue", 400),
        (
            "https://blobs.blob.x/box/b?snapshot=soon",
            "InvalidHeaderValue",
            400,
        ),
        ("https://nobody.blob.x/box/b", "ResourceNotFound", 404),
        ("https://blobs.blob.x/C/b", "OutOfRangeInput", 400),
    ] {
        assert_eq!(refusal(url), code(want, status), "{url}");
    }
}

#[test]
fn a_revocation_of_either_key_ends_the_copy() {
    for is_source in [true, false] {
        let mut world = common::World::customer();
        let platform = world
            .store
            .create_account(&world.new_account("platform"))
            .unwrap();
        let (source_account, account) = match is_source {
            true => (world.account(), platform),
            false => (platform, world.account()),
        };
        let make = |account: &Account| {
            let container = account.container(&container_name("box"));
            container.create(&Metadata::new()).unwrap();
            container
        };
        let (from, to) = (make(&source_account), make(&account));
        let all = put_blocks(&from, "b", 70);
        for name in ["resumed", "ended"] {
            to.start_copy(&blob(name), &source(&from, "b"), &NONE()).unwrap();
            account.maintain().unwrap();
            if name == "resumed" {
                while !account.maintain().unwrap().done {}
                assert_eq!(content(&to, name), all);
            }
        }
        let (principal, id) = (world.principal(), copy_state(&to, "ended").id);
        world.revoke(common::VAULT, principal);
        let started = refused(to.start_copy(&blob("new"), &source(&from, "b"), &NONE()));
        let copied = refused(to.copy_blob(&blob("new"), &source(&from, "b"), &NONE()));
        let wanted = match is_source {
            true => code("CannotVerifyCopySource", 403),
            false => (started.0.clone(), 403),
        };
        assert_eq!((&started, &copied), (&wanted, &wanted));
        while !account.maintain().unwrap().done {}
        world.grant(common::VAULT, principal, &common::NEEDED);
        let state = copy_state(&to, "ended");
        assert_eq!((state.id, state.status), (id, CopyStatus::Failed));
        let description = state.description.unwrap();
        assert!(
            description.starts_with(&format!("403 {}", wanted.0)),
            "{description}"
        );
        // Aborting needs no key, and a copy goes on after the store was opened again.
        let kept = to
            .start_copy(&blob("kept"), &source(&from, "b"), &NONE())
            .unwrap();
        let stopped = to
            .start_copy(&blob("stopped"), &source(&from, "b"), &NONE())
            .unwrap();
        assert_eq!(kept.status, CopyStatus::Pending);
        world.revoke(common::VAULT, principal);
        to.abort_copy(&blob("stopped"), stopped.id, &Conditions::default())
            .unwrap();
        world.grant(common::VAULT, principal, &common::NEEDED);
        account.maintain().unwrap();
        let name = account.name().to_owned();
        drop((from, to, account, source_account));
        world.reopen();
        let account = world.store.account(&common::name(&name)).unwrap();
        while !account.maintain().unwrap().done {}
        let to = account.container(&container_name("box"));
        assert_eq!(copy_state(&to, "kept").status, CopyStatus::Success);
        assert_eq!(content(&to, "kept"), all);
    }
}
