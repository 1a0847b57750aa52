//! A call for each code.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::io::{self, Read};
use std::time::Duration;

use crate::blob_world::{BlobWorld, blob, bytes, container_name};
use strongroom::{
    AccessTier, AppendBlockOptions, BlobSource, BlockId, ByteRange, Conditions, Container, ContainerName,
    ContentMd5, Crc64, CreateBlobOptions, DeleteBlobOptions, DownloadOptions, ETagMatch, Error,
    ImmutabilityMode, ImmutabilityPolicy, LeaseDuration, LeaseId, LeaseRequest, ListPageRanges, ListedBlock,
    Metadata, PageSize, PutBlockListOptions, PutBlockOptions, PutPagesOptions, RetentionDays,
    SequenceConditions, SetTierOptions, SnapshotOptions, Tags, UploadOptions,
};

pub(crate) type Call = fn(&BlobWorld, &Container) -> Result<(), Error>;

const HOUR: Duration = Duration::from_secs(3600);

fn always() -> Conditions {
    Conditions::default()
}

pub(crate) fn put(container: &Container, options: UploadOptions) -> Result<(), Error> {
    container.upload(&blob("b"), &b"other"[..], options).map(drop)
}

fn put_under(container: &Container, conditions: Conditions) -> Result<(), Error> {
    let options = UploadOptions {
        conditions,
        ..UploadOptions::default()
    };
    put(container, options)
}

fn get(container: &Container, name: &str, options: &DownloadOptions) -> Result<(), Error> {
    container.download(&blob(name), options, Vec::new()).map(drop)
}

fn read_under(container: &Container, conditions: &Conditions) -> Result<(), Error> {
    container.blob_properties(&blob("b"), conditions).map(drop)
}

fn any() -> Option<ETagMatch> {
    Some(ETagMatch::Any)
}

pub(crate) fn append_blob(container: &Container) {
    let options = CreateBlobOptions::default();
    container.create_append_blob(&blob("append"), &options).unwrap();
}

fn append(container: &Container, options: &AppendBlockOptions) -> Result<(), Error> {
    container
        .append_block(&blob("append"), &b"more"[..], options)
        .map(drop)
}

fn page_blob(container: &Container, tier: Option<AccessTier>) {
    let options = CreateBlobOptions {
        tier,
        ..CreateBlobOptions::default()
    };
    container
        .create_page_blob(&blob("page"), (1024, 0), &options)
        .unwrap();
}

fn put_page(container: &Container, start: u64, options: &PutPagesOptions) -> Result<(), Error> {
    container
        .put_pages(&blob("page"), (start, 512), &[1; 512][..], options)
        .map(drop)
}

fn snapshot(container: &Container, name: &str) -> strongroom::Timestamp {
    let options = SnapshotOptions::default();
    container.snapshot_blob(&blob(name), &options).unwrap().snapshot
}

fn page_ranges_since(container: &Container, since: strongroom::Timestamp) -> Result<(), Error> {
    let options = ListPageRanges {
        since: Some(since),
        ..ListPageRanges::default()
    };
    container.page_ranges(&blob("page"), &options).map(drop)
}

fn put_block(container: &Container, id: &[u8], content: &[u8]) -> Result<(), Error> {
    let options = PutBlockOptions::default();
    let id = BlockId::new(id)?;
    container.put_block(&blob("b"), &id, content, &options).map(drop)
}

fn commit(container: &Container, count: usize) -> Result<(), Error> {
    let listed = vec![ListedBlock::Latest(BlockId::new(b"x").unwrap()); count];
    let options = PutBlockListOptions::default();
    container.put_block_list(&blob("b"), &listed, &options).map(drop)
}

fn set_tier(container: &Container, name: &str, tier: AccessTier) -> Result<(), Error> {
    let options = SetTierOptions::default();
    container.set_blob_tier(&blob(name), tier, &options).map(drop)
}

fn lease_id(last: char) -> LeaseId {
    format!("00000000-0000-0000-0000-00000000000{last}")
        .parse()
        .unwrap()
}

fn acquire(id: LeaseId) -> LeaseRequest {
    LeaseRequest::Acquire {
        duration: LeaseDuration::new(60).unwrap(),
        proposed: Some(id),
    }
}

fn lease(container: &Container, request: LeaseRequest) -> Result<(), Error> {
    container.lease_blob(&blob("b"), request, &always()).map(drop)
}

/// Leases the blob, and begins or ends to break the lease.
fn break_lease(container: &Container, seconds: i64) {
    lease(container, acquire(lease_id('1'))).unwrap();
    let period = strongroom::BreakPeriod::new(seconds).unwrap();
    lease(container, LeaseRequest::Break(Some(period))).unwrap();
}

fn under_lease() -> Conditions {
    Conditions::under_lease(lease_id('2'))
}

/// What each code is produced by. Each call has a container with the blob `b` to itself.
pub(crate) const PRODUCED: &[(&str, u16, Call)] = &[
    ("ContainerNotFound", 404, |world, _| {
        let nowhere = world.account.container(&container_name("nowhere"));
        get(&nowhere, "b", &DownloadOptions::default())
    }),
    ("ContainerAlreadyExists", 409, |_, c| {
        c.create(&Metadata::new()).map(drop)
    }),
    ("BlobNotFound", 404, |_, c| {
        get(c, "nothing", &DownloadOptions::default())
    }),
    ("BlobAlreadyExists", 409, |_, c| {
        put_under(c, Conditions::if_absent())
    }),
    ("InvalidResourceName", 400, |_, _| {
        "Upper".parse::<ContainerName>().map(drop)
    }),
    ("OutOfRangeInput", 400, |_, _| {
        "ab".parse::<ContainerName>().map(drop)
    }),
    ("OutOfRangeQueryParameterValue", 400, |_, _| {
        PageSize::new(0).map(drop)
    }),
    ("EmptyMetadataKey", 400, |_, _| Metadata::new().insert("", "x")),
    ("InvalidMetadata", 400, |_, _| Metadata::new().insert("a-b", "x")),
    ("MetadataTooLarge", 400, |_, c| {
        let mut large = Metadata::new();
        large.insert("a", &"x".repeat(9000))?;
        c.set_blob_metadata(&blob("b"), &large, &always()).map(drop)
    }),
    ("EmptyTagName", 400, |_, _| "=x".parse::<Tags>().map(drop)),
    ("DuplicateTagNames", 400, |_, _| {
        "a=1&a=2".parse::<Tags>().map(drop)
    }),
    ("TagsTooLarge", 400, |_, _| {
        let long = format!("a={}", "x".repeat(257));
        long.parse::<Tags>().map(drop)
    }),
    ("InvalidTag", 400, |_, _| "a=!".parse::<Tags>().map(drop)),
    ("ConditionNotMet", 412, |_, c| {
        let wrong = Conditions {
            if_unmodified_since: Some(strongroom::Timestamp::from_unix_seconds(0)),
            ..always()
        };
        put_under(c, wrong)
    }),
    ("ConditionNotMet", 304, |world, c| {
        use strongroom::engine::Clock;
        let later = Conditions {
            if_modified_since: Some(world.clock.now().plus(HOUR)),
            ..always()
        };
        read_under(c, &later)
    }),
    ("MultipleConditionHeadersNotSupported", 400, |world, c| {
        use strongroom::engine::Clock;
        let both = Conditions {
            if_match: any(),
            if_modified_since: Some(world.clock.now()),
            ..always()
        };
        put_under(c, both)
    }),
    ("UnsatisfiableCondition", 400, |_, c| {
        read_under(c, &Conditions::if_absent())
    }),
    ("ConditionHeadersNotSupported", 400, |_, c| {
        let tags = Conditions {
            if_tags: Some("\"a\" = '1'".parse()?),
            ..always()
        };
        c.set_metadata(&Metadata::new(), &tags).map(drop)
    }),
    ("InvalidRange", 416, |_, c| {
        let options = DownloadOptions {
            range: ByteRange::from(1000),
            ..DownloadOptions::default()
        };
        get(c, "b", &options)
    }),
    ("InvalidMd5", 400, |_, _| "AAAA".parse::<ContentMd5>().map(drop)),
    ("Md5Mismatch", 400, |_, c| {
        let options = UploadOptions {
            content_md5: ContentMd5::Provided([0; 16]),
            ..UploadOptions::default()
        };
        put(c, options)
    }),
    ("Crc64Mismatch", 400, |_, c| {
        let options = UploadOptions {
            content_crc64: Some(Crc64::of(b"this")),
            ..UploadOptions::default()
        };
        put(c, options)
    }),
    ("BothCrc64AndMd5HeaderPresent", 400, |_, c| {
        let options = UploadOptions {
            content_md5: ContentMd5::Provided([0; 16]),
            content_crc64: Some(Crc64::of(b"other")),
            ..UploadOptions::default()
        };
        put(c, options)
    }),
    ("InvalidInput", 400, |_, c| {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the line was cut"))
            }
        }
        c.upload(&blob("b"), Failing, UploadOptions::default()).map(drop)
    }),
    ("InvalidHeaderValue", 400, |_, c| put_block(c, b"x", b"")),
    ("InvalidBlobOrBlock", 400, |_, c| {
        put_block(c, b"x", b"1")?;
        put_block(c, b"longer", b"1")
    }),
    ("InvalidBlockList", 400, |_, c| commit(c, 1)),
    ("BlockListTooLong", 400, |_, c| commit(c, 50_001)),
    ("InvalidBlobType", 409, |_, c| {
        let options = AppendBlockOptions::default();
        c.append_block(&blob("b"), &b"x"[..], &options).map(drop)
    }),
    ("SnapshotsPresent", 409, |_, c| {
        snapshot(c, "b");
        c.delete_blob(&blob("b"), &always())
    }),
    ("InvalidOperation", 400, |world, c| {
        let change = |settings: &mut strongroom::BlobServiceProperties| {
            settings.delete_retention = Some(RetentionDays::new(7).unwrap());
            settings.allow_permanent_delete = true;
        };
        world.account.change_blob_service_properties(change)?;
        let options = DeleteBlobOptions {
            which: strongroom::BlobVersionRef::Snapshot(snapshot(c, "b")),
            permanent: true,
            ..DeleteBlobOptions::default()
        };
        c.delete_blob(&blob("b"), options)
    }),
    ("PermanentDeleteNotAllowed", 409, |world, c| {
        let change = |settings: &mut strongroom::BlobServiceProperties| {
            settings.delete_retention = Some(RetentionDays::new(7).unwrap());
        };
        world.account.change_blob_service_properties(change)?;
        let options = DeleteBlobOptions {
            which: strongroom::BlobVersionRef::Snapshot(snapshot(c, "b")),
            ..DeleteBlobOptions::default()
        };
        c.delete_blob(&blob("b"), options.clone())?;
        let options = DeleteBlobOptions {
            permanent: true,
            ..options
        };
        c.delete_blob(&blob("b"), options)
    }),
    ("InvalidQueryParameterValue", 400, |_, _| {
        "not base64!".parse::<BlockId>().map(drop)
    }),
    ("InvalidXmlNodeValue", 400, |_, _| RetentionDays::new(0).map(drop)),
    ("ResourceNotFound", 404, |world, _| {
        world.store.account(&"nobody".parse().unwrap()).map(drop)
    }),
    ("SourceConditionNotMet", 412, |_, c| {
        append_blob(c);
        let mut source = BlobSource::new(c, blob("b"));
        source.conditions.if_unmodified_since = Some(strongroom::Timestamp::from_unix_seconds(0));
        c.append_block_from(&blob("append"), &source, &AppendBlockOptions::default())
            .map(drop)
    }),
    ("BlobArchived", 409, |_, c| {
        set_tier(c, "b", AccessTier::Archive)?;
        get(c, "b", &DownloadOptions::default())
    }),
    ("BlobBeingRehydrated", 409, |_, c| {
        set_tier(c, "b", AccessTier::Archive)?;
        set_tier(c, "b", AccessTier::Hot)?;
        get(c, "b", &DownloadOptions::default())
    }),
    ("AccessTierNotSupportedForBlobType", 400, |_, c| {
        append_blob(c);
        set_tier(c, "append", AccessTier::Cool)
    }),
    ("CannotChangeToLowerTier", 409, |_, c| {
        page_blob(c, Some(AccessTier::P10));
        set_tier(c, "page", AccessTier::P4)
    }),
    ("BlobTierInadequateForContentLength", 409, |_, c| {
        page_blob(c, Some(AccessTier::P4));
        c.resize_page_blob(&blob("page"), 64 << 30, &always()).map(drop)
    }),
    ("AppendPositionConditionNotMet", 412, |_, c| {
        append_blob(c);
        let options = AppendBlockOptions {
            position: Some(7),
            ..AppendBlockOptions::default()
        };
        append(c, &options)
    }),
    ("MaxBlobSizeConditionNotMet", 412, |_, c| {
        append_blob(c);
        let options = AppendBlockOptions {
            length_max: Some(3),
            ..AppendBlockOptions::default()
        };
        append(c, &options)
    }),
    ("BlobIsSealed", 409, |_, c| {
        append_blob(c);
        c.seal_append_blob(&blob("append"), None, &always())?;
        append(c, &AppendBlockOptions::default())
    }),
    ("SequenceNumberConditionNotMet", 412, |_, c| {
        page_blob(c, None);
        let sequence = SequenceConditions {
            equal: Some(5),
            ..SequenceConditions::default()
        };
        let options = PutPagesOptions {
            sequence,
            ..PutPagesOptions::default()
        };
        put_page(c, 0, &options)
    }),
    ("InvalidPageRange", 416, |_, c| {
        page_blob(c, None);
        put_page(c, 1024, &PutPagesOptions::default())
    }),
    ("PreviousSnapshotNotFound", 409, |_, c| {
        page_blob(c, None);
        page_ranges_since(c, strongroom::Timestamp::from_unix_seconds(1))
    }),
    ("BlobOverwritten", 409, |_, c| {
        page_blob(c, None);
        let first = snapshot(c, "page");
        page_blob(c, None);
        page_ranges_since(c, first)
    }),
    ("RequestBodyTooLarge", 413, |_, c| {
        page_blob(c, None);
        let options = PutPagesOptions::default();
        let large = bytes((4 << 20) + 512);
        c.resize_page_blob(&blob("page"), 8 << 20, &always())?;
        c.put_pages(&blob("page"), (0, large.len() as u64), large.as_slice(), &options)
            .map(drop)
    }),
    ("LeaseIdMissing", 412, |_, c| {
        lease(c, acquire(lease_id('1')))?;
        put(c, UploadOptions::default())
    }),
    ("LeaseIdMismatchWithBlobOperation", 412, |_, c| {
        lease(c, acquire(lease_id('1')))?;
        put_under(c, under_lease())
    }),
    ("LeaseNotPresentWithBlobOperation", 412, |_, c| {
        put_under(c, under_lease())
    }),
    ("LeaseAlreadyPresent", 409, |_, c| {
        lease(c, acquire(lease_id('1')))?;
        lease(c, acquire(lease_id('2')))
    }),
    ("LeaseIdMismatchWithLeaseOperation", 409, |_, c| {
        lease(c, LeaseRequest::Renew(lease_id('1')))
    }),
    ("LeaseNotPresentWithLeaseOperation", 409, |_, c| {
        lease(c, LeaseRequest::Break(None))
    }),
    ("LeaseIsBreakingAndCannotBeAcquired", 409, |_, c| {
        break_lease(c, 30);
        lease(c, acquire(lease_id('1')))
    }),
    ("LeaseIsBreakingAndCannotBeChanged", 409, |_, c| {
        break_lease(c, 30);
        let (id, proposed) = (lease_id('1'), lease_id('2'));
        lease(c, LeaseRequest::Change { id, proposed })
    }),
    ("LeaseIsBrokenAndCannotBeRenewed", 409, |_, c| {
        break_lease(c, 0);
        lease(c, LeaseRequest::Renew(lease_id('1')))
    }),
    ("LeaseIdMismatchWithContainerOperation", 412, |_, c| {
        c.lease(acquire(lease_id('1')), &always())?;
        c.delete(&under_lease())
    }),
    ("LeaseNotPresentWithContainerOperation", 412, |_, c| {
        c.delete(&under_lease())
    }),
    ("BlobImmutableDueToLegalHold", 409, |_, c| {
        c.set_blob_legal_hold(&blob("b"), true, &always())?;
        put(c, UploadOptions::default())
    }),
    ("ContainerHasLegalHold", 409, |_, c| {
        c.set_blob_legal_hold(&blob("b"), true, &always())?;
        c.delete(&always())
    }),
    ("BlobImmutableDueToPolicy", 409, |world, c| {
        protect(world, c)?;
        c.delete_blob(&blob("b"), &always())
    }),
    ("ContainerImmutabilityPolicyLocked", 409, |world, c| {
        protect(world, c)?;
        c.delete(&always())
    }),
];

fn protect(world: &BlobWorld, container: &Container) -> Result<(), Error> {
    use strongroom::engine::Clock;
    let policy = ImmutabilityPolicy {
        until: world.clock.now().plus(HOUR),
        mode: ImmutabilityMode::Locked,
    };
    container.set_blob_immutability(&blob("b"), policy, &always())
}
