//! Every operation of the Blob service as a call of the library that succeeds while the key can be used.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

use std::time::Duration;

use strongroom::Operation as Op;
use strongroom::engine::Clock;
use strongroom::{
    AccessTier, Account, AppendBlockOptions, BlobBatch, BlobExpiry, BlobName, BlobSource, Block, BlockId,
    BlockListFilter, Conditions, Container, ContentHeaders, CopyOptions, CopyStatus, CreateBlobOptions,
    DeleteBlobOptions, DeletePart, DownloadOptions, FindBlobs, ImmutabilityMode, ImmutabilityPolicy,
    LeaseDuration, LeaseRequest, ListBlobs, ListContainers, ListDetail, ListPageRanges, ListedBlock,
    Metadata, Operation, PublicAccess, PutBlockListOptions, PutBlockOptions, PutPagesOptions, Result,
    RetentionDays, SetTierOptions, SnapshotOptions, Tags, UploadOptions,
};

use crate::common::World;

const DAY: Duration = Duration::from_secs(86_400);
const PAGE: [u8; 512] = [7; 512];

/// Where a case takes place.
pub(crate) struct Place<'a> {
    world: &'a World,
    pub(crate) stage: &'static str,
    pub(crate) container: Container,
    name: String,
}

impl<'a> Place<'a> {
    pub(crate) fn new(world: &'a World, stage: &'static str) -> Self {
        Self {
            world,
            stage,
            container: world.account().container(&stage.parse().unwrap()),
            name: stage.to_owned(),
        }
    }

    /// The same with a blob name of its own for `case`.
    pub(crate) fn of(&self, case: &Case) -> Self {
        let name = format!("{} {}", case.operation, case.form);
        Self {
            name: name.to_lowercase().trim_end().replace(' ', "-"),
            ..Self::new(self.world, self.stage)
        }
    }

    fn account(&self) -> Account {
        self.world.account()
    }

    fn blob(&self) -> BlobName {
        self.name.parse().unwrap()
    }

    /// A container that is only there for this case.
    fn own_container(&self) -> Container {
        let name = format!("{}-{}", self.stage, self.name);
        self.account().container(&name.parse().unwrap())
    }
}

pub(crate) struct Case {
    pub(crate) operation: Operation,
    /// Which of its forms, if their fates differ.
    pub(crate) form: &'static str,
    pub(crate) prepare: fn(&Place<'_>),
    pub(crate) call: fn(&Place<'_>) -> Result<()>,
}

const fn case(
    operation: Operation,
    form: &'static str,
    prepare: fn(&Place<'_>),
    call: fn(&Place<'_>) -> Result<()>,
) -> Case {
    Case {
        operation,
        form,
        prepare,
        call,
    }
}

/// Operations that no call of the library carries out, and why.
pub(crate) const WITHOUT_CALL: &[(Operation, &str)] = &[
    (
        Op::GetUserDelegationKey,
        "tokens and signatures belong to a server",
    ),
    (Op::PreflightBlobRequest, "asks a server on behalf of a browser"),
    (
        Op::QueryBlobContents,
        "queries are answered by a server, from Get Blob",
    ),
    (Op::IncrementalCopyBlob, "not there yet"),
];

fn nothing(_: &Place<'_>) {}

fn always() -> Conditions {
    Conditions::default()
}

fn metadata() -> Metadata {
    let mut metadata = Metadata::new();
    metadata.insert("colour", "blue").unwrap();
    metadata
}

fn tags() -> Tags {
    "project=one".parse().unwrap()
}

fn acquire() -> LeaseRequest {
    LeaseRequest::Acquire {
        duration: LeaseDuration::new(-1).unwrap(),
        proposed: None,
    }
}

fn block_id() -> BlockId {
    BlockId::new(b"one").unwrap()
}

fn put(place: &Place<'_>) {
    let options = UploadOptions {
        metadata: metadata(),
        tags: tags(),
        ..UploadOptions::default()
    };
    let content = &b"content"[..];
    place.container.upload(&place.blob(), content, options).unwrap();
}

/// With one committed block.
fn put_blocks(place: &Place<'_>) {
    let (blob, block) = (place.blob(), PutBlockOptions::default());
    let container = &place.container;
    container
        .put_block(&blob, &block_id(), &b"one"[..], &block)
        .unwrap();
    let listed = [ListedBlock::Latest(block_id())];
    let options = PutBlockListOptions::default();
    container.put_block_list(&blob, &listed, &options).unwrap();
}

fn put_append_blob(place: &Place<'_>) {
    let options = CreateBlobOptions::default();
    place
        .container
        .create_append_blob(&place.blob(), &options)
        .unwrap();
}

fn put_page_blob(place: &Place<'_>) {
    let options = CreateBlobOptions::default();
    let container = &place.container;
    container
        .create_page_blob(&place.blob(), (1024, 0), &options)
        .unwrap();
}

/// A page blob, and a page of another one to copy.
fn put_page_blob_and_source(place: &Place<'_>) {
    put_page_blob(place);
    let container = &place.container;
    container
        .upload(&source_name(place), &PAGE[..], UploadOptions::default())
        .unwrap();
}

fn put_append_blob_and_source(place: &Place<'_>) {
    put_append_blob(place);
    let container = &place.container;
    container
        .upload(&source_name(place), &PAGE[..], UploadOptions::default())
        .unwrap();
}

fn put_source(place: &Place<'_>) {
    let (container, options) = (&place.container, UploadOptions::default());
    container.upload(&source_name(place), &PAGE[..], options).unwrap();
}

/// A copy from another account, which the maintenance would carry on.
fn start_far_copy(place: &Place<'_>) {
    let store = &place.world.store;
    let name = "elsewhere".parse().unwrap();
    let account = store
        .account(&name)
        .or_else(|_| store.create_account(&place.world.new_account("elsewhere")))
        .unwrap();
    let container = account.container(&place.stage.parse().unwrap());
    container.create(&Metadata::new()).unwrap();
    let (source, options) = (source_name(place), UploadOptions::default());
    container.upload(&source, &PAGE[..], options).unwrap();
    let source = BlobSource::new(&container, source);
    let options = CopyOptions::default();
    let receipt = place.container.start_copy(&place.blob(), &source, &options);
    assert_eq!(receipt.unwrap().status, CopyStatus::Pending);
}

fn abort_copy(place: &Place<'_>) -> Result<()> {
    let page = place.container.list_blobs(&ListBlobs::default())?;
    let mut blobs = page.blobs();
    let copying = blobs
        .find(|item| item.name == place.blob())
        .expect("it is listed");
    let id = copying.properties.copy.as_ref().expect("it is a copy").id;
    place.container.abort_copy(&place.blob(), id, &always())
}

fn delete_batch(place: &Place<'_>) -> Result<()> {
    let part = DeletePart {
        container: place.container.name().clone(),
        name: place.blob(),
        options: DeleteBlobOptions::default(),
    };
    let parts = place.account().blob_batch(&BlobBatch::Delete(vec![part]))?;
    parts.into_iter().try_for_each(|part| part.map(drop))
}

fn source_name(place: &Place<'_>) -> BlobName {
    format!("{}-source", place.name).parse().unwrap()
}

fn source(place: &Place<'_>) -> BlobSource {
    BlobSource::new(&place.container, source_name(place))
}

fn set_immutability(place: &Place<'_>) -> Result<()> {
    let policy = ImmutabilityPolicy {
        until: place.world.clock.now().plus(DAY),
        mode: ImmutabilityMode::Unlocked,
    };
    let container = &place.container;
    container.set_blob_immutability(&place.blob(), policy, &always())
}

fn keep_deleted(place: &Place<'_>) {
    let change = |settings: &mut strongroom::BlobServiceProperties| {
        let retention = Some(RetentionDays::new(365).unwrap());
        settings.delete_retention = retention;
        settings.container_delete_retention = retention;
    };
    place.account().change_blob_service_properties(change).unwrap();
}

fn delete(place: &Place<'_>) {
    keep_deleted(place);
    put(place);
    place.container.delete_blob(&place.blob(), &always()).unwrap();
}

fn create_container(place: &Place<'_>) {
    place.own_container().create(&Metadata::new()).unwrap();
}

fn delete_container(place: &Place<'_>) {
    keep_deleted(place);
    create_container(place);
    place.own_container().delete(&always()).unwrap();
}

fn restore_container(place: &Place<'_>) -> Result<()> {
    let request = ListContainers {
        include_deleted: true,
        ..ListContainers::default()
    };
    let page = place.account().list_containers(&request)?;
    let own = place.own_container();
    let found = page.containers.iter().find(|item| item.name == *own.name());
    let deleted = found.and_then(|item| item.deleted.as_ref()).expect("it is kept");
    place
        .account()
        .restore_container(own.name(), deleted.version)
        .map(drop)
}

fn list(place: &Place<'_>, detail: ListDetail) -> Result<()> {
    let request = ListBlobs {
        detail,
        ..ListBlobs::default()
    };
    place.container.list_blobs(&request).map(drop)
}

fn snapshot(place: &Place<'_>, metadata: Metadata) -> Result<()> {
    let options = SnapshotOptions {
        metadata,
        ..SnapshotOptions::default()
    };
    place.container.snapshot_blob(&place.blob(), &options).map(drop)
}

fn commit_blocks(place: &Place<'_>, metadata: Metadata) -> Result<()> {
    let listed = [
        ListedBlock::Committed(block_id()),
        ListedBlock::Committed(block_id()),
    ];
    let options = PutBlockListOptions {
        metadata,
        ..PutBlockListOptions::default()
    };
    place
        .container
        .put_block_list(&place.blob(), &listed, &options)
        .map(drop)
}

/// One row or more of every operation that a call of the library carries out.
pub(crate) const CASES: &[Case] = &[
    case(Op::ListContainers, "", nothing, |p| {
        p.account().list_containers(&ListContainers::default()).map(drop)
    }),
    case(Op::GetBlobServiceProperties, "", nothing, |p| {
        p.account().blob_service_properties().map(drop)
    }),
    case(Op::SetBlobServiceProperties, "", nothing, |p| {
        let properties = p.account().blob_service_properties()?;
        p.account().set_blob_service_properties(&properties)
    }),
    case(Op::GetBlobServiceStats, "", nothing, |p| {
        p.account().blob_service_stats().map(drop)
    }),
    case(Op::GetAccountInformation, "", nothing, |p| {
        p.account().information().map(drop)
    }),
    case(Op::CreateContainer, "", nothing, |p| {
        p.own_container().create(&metadata()).map(drop)
    }),
    case(Op::GetContainerProperties, "", nothing, |p| {
        p.container.properties().map(drop)
    }),
    case(Op::GetContainerMetadata, "", nothing, |p| {
        p.container
            .properties()
            .map(|properties| drop(properties.metadata))
    }),
    case(Op::SetContainerMetadata, "", nothing, |p| {
        p.container.set_metadata(&metadata(), &always()).map(drop)
    }),
    case(Op::GetContainerAcl, "", nothing, |p| {
        p.container.acl(&always()).map(drop)
    }),
    case(Op::SetContainerAcl, "", nothing, |p| {
        p.container.set_acl(PublicAccess::None, &[], &always()).map(drop)
    }),
    case(Op::LeaseContainer, "", create_container, |p| {
        p.own_container().lease(acquire(), &always()).map(drop)
    }),
    case(Op::DeleteContainer, "", create_container, |p| {
        p.own_container().delete(&always())
    }),
    case(Op::RestoreContainer, "", delete_container, restore_container),
    case(Op::ListBlobs, "without metadata", put, |p| {
        list(p, ListDetail::Properties)
    }),
    case(Op::ListBlobs, "with metadata", put, |p| {
        list(p, ListDetail::Metadata)
    }),
    case(Op::FindBlobsByTags, "", put, |p| {
        let query = "project = 'one'".parse()?;
        p.account().find_blobs(&FindBlobs::new(query)).map(drop)
    }),
    case(Op::FindBlobsByTagsInContainer, "", put, |p| {
        let query = "project = 'one'".parse()?;
        p.container.find_blobs(&FindBlobs::new(query)).map(drop)
    }),
    case(Op::PutBlob, "block blob", nothing, |p| {
        let options = UploadOptions::default();
        p.container.upload(&p.blob(), &b"new"[..], options).map(drop)
    }),
    case(Op::PutBlob, "append blob", nothing, |p| {
        let options = CreateBlobOptions::default();
        p.container.create_append_blob(&p.blob(), &options).map(drop)
    }),
    case(Op::PutBlob, "page blob", nothing, |p| {
        let options = CreateBlobOptions::default();
        p.container
            .create_page_blob(&p.blob(), (1024, 0), &options)
            .map(drop)
    }),
    case(Op::PutBlobFromUrl, "", put_source, |p| {
        let options = UploadOptions::default();
        p.container
            .put_blob_from(&p.blob(), &source(p), options)
            .map(drop)
    }),
    case(Op::PutBlockFromUrl, "", put_source, |p| {
        let options = PutBlockOptions::default();
        p.container
            .put_block_from(&p.blob(), &block_id(), &source(p), &options)
            .map(drop)
    }),
    case(Op::CopyBlob, "", put_source, |p| {
        let options = CopyOptions::default();
        p.container.start_copy(&p.blob(), &source(p), &options).map(drop)
    }),
    case(Op::CopyBlobFromUrl, "", put_source, |p| {
        let options = CopyOptions::default();
        p.container.copy_blob(&p.blob(), &source(p), &options).map(drop)
    }),
    case(Op::AbortCopyBlob, "", start_far_copy, abort_copy),
    case(Op::BlobBatch, "", put, delete_batch),
    case(Op::GetBlob, "", put, |p| {
        let options = DownloadOptions::default();
        p.container.download(&p.blob(), &options, Vec::new()).map(drop)
    }),
    case(Op::GetBlobProperties, "", put, |p| {
        p.container.blob_properties(&p.blob(), &always()).map(drop)
    }),
    case(Op::GetBlobMetadata, "", put, |p| {
        p.container.blob_metadata(&p.blob(), &always()).map(drop)
    }),
    case(Op::SetBlobMetadata, "", put, |p| {
        p.container
            .set_blob_metadata(&p.blob(), &metadata(), &always())
            .map(drop)
    }),
    case(Op::SetBlobMetadata, "to none", put, |p| {
        p.container
            .set_blob_metadata(&p.blob(), &Metadata::new(), &always())
            .map(drop)
    }),
    case(Op::SetBlobProperties, "", put, |p| {
        let headers = ContentHeaders::of_type("text/plain");
        p.container
            .set_blob_headers(&p.blob(), &headers, &always())
            .map(drop)
    }),
    case(Op::SetBlobProperties, "of a page blob", put_page_blob, |p| {
        p.container.resize_page_blob(&p.blob(), 512, &always()).map(drop)
    }),
    case(Op::GetBlobTags, "", put, |p| {
        p.container.blob_tags(&p.blob(), &always()).map(drop)
    }),
    case(Op::SetBlobTags, "", put, |p| {
        p.container.set_blob_tags(&p.blob(), &tags(), &always())
    }),
    case(Op::LeaseBlob, "", put, |p| {
        p.container.lease_blob(&p.blob(), acquire(), &always()).map(drop)
    }),
    case(Op::SnapshotBlob, "without metadata", put, |p| {
        snapshot(p, Metadata::new())
    }),
    case(Op::SnapshotBlob, "with metadata", put, |p| {
        snapshot(p, metadata())
    }),
    case(Op::DeleteBlob, "", put, |p| {
        p.container.delete_blob(&p.blob(), &always())
    }),
    case(Op::UndeleteBlob, "", delete, |p| {
        p.container.undelete_blob(&p.blob()).map(drop)
    }),
    case(Op::SetBlobTier, "", put, |p| {
        let options = SetTierOptions::default();
        p.container
            .set_blob_tier(&p.blob(), AccessTier::Cool, &options)
            .map(drop)
    }),
    case(Op::SetBlobExpiry, "", put, |p| {
        p.container
            .set_blob_expiry(&p.blob(), BlobExpiry::FromNow(DAY), &always())
            .map(drop)
    }),
    case(Op::SetBlobImmutabilityPolicy, "", put, set_immutability),
    case(
        Op::DeleteBlobImmutabilityPolicy,
        "",
        |p| {
            put(p);
            set_immutability(p).unwrap();
        },
        |p| p.container.delete_blob_immutability(&p.blob(), &always()),
    ),
    case(Op::SetBlobLegalHold, "", put, |p| {
        p.container.set_blob_legal_hold(&p.blob(), true, &always())
    }),
    case(Op::PutBlock, "", nothing, |p| {
        let options = PutBlockOptions::default();
        p.container
            .put_block(&p.blob(), &block_id(), &b"one"[..], &options)
            .map(drop)
    }),
    case(Op::PutBlockList, "without metadata", put_blocks, |p| {
        commit_blocks(p, Metadata::new())
    }),
    case(Op::PutBlockList, "with metadata", put_blocks, |p| {
        commit_blocks(p, metadata())
    }),
    case(Op::GetBlockList, "", put_blocks, |p| {
        let list = p
            .container
            .block_list(&p.blob(), BlockListFilter::All, &always())?;
        assert_eq!(
            list.committed
                .iter()
                .map(|block: &Block| block.length)
                .sum::<u64>(),
            3
        );
        Ok(())
    }),
    case(Op::PutPage, "update", put_page_blob, |p| {
        let options = PutPagesOptions::default();
        p.container
            .put_pages(&p.blob(), (0, 512), &PAGE[..], &options)
            .map(drop)
    }),
    case(Op::PutPage, "clear", put_page_blob, |p| {
        let options = PutPagesOptions::default();
        p.container.clear_pages(&p.blob(), (0, 512), &options).map(drop)
    }),
    case(Op::PutPageFromUrl, "", put_page_blob_and_source, |p| {
        let options = PutPagesOptions::default();
        p.container
            .put_pages_from(&p.blob(), 0, &source(p), &options)
            .map(drop)
    }),
    case(Op::GetPageRanges, "", put_page_blob, |p| {
        p.container
            .page_ranges(&p.blob(), &ListPageRanges::default())
            .map(drop)
    }),
    case(Op::AppendBlock, "", put_append_blob, |p| {
        let options = AppendBlockOptions::default();
        p.container
            .append_block(&p.blob(), &b"more"[..], &options)
            .map(drop)
    }),
    case(Op::AppendBlockFromUrl, "", put_append_blob_and_source, |p| {
        let options = AppendBlockOptions::default();
        p.container
            .append_block_from(&p.blob(), &source(p), &options)
            .map(drop)
    }),
    case(Op::AppendBlobSeal, "", put_append_blob, |p| {
        p.container.seal_append_blob(&p.blob(), None, &always()).map(drop)
    }),
];
