//! What the cases of the matrix do: the place of a case, and calls that several of them make.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

use std::time::Duration;

use strongroom::engine::Clock;
use strongroom::{
    Account, BlobBatch, BlobName, BlobSource, BlobVersionRef, BlockId, Conditions, Container, CopyOptions,
    CopyStatus, CreateBlobOptions, DeleteBlobOptions, DeletePart, ImmutabilityMode, ImmutabilityPolicy,
    LeaseDuration, LeaseRequest, ListBlobs, ListContainers, ListDetail, ListedBlock, Metadata,
    PutBlockListOptions, PutBlockOptions, Result, RetentionDays, SnapshotOptions, Tags, UploadOptions,
};

use super::operations::Case;
use crate::common::World;

pub(super) const DAY: Duration = Duration::from_secs(86_400);
pub(super) const PAGE: [u8; 512] = [7; 512];

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

    pub(super) fn account(&self) -> Account {
        self.world.account()
    }

    pub(super) fn blob(&self) -> BlobName {
        self.name.parse().unwrap()
    }

    /// A container that is only there for this case.
    pub(super) fn own_container(&self) -> Container {
        let name = format!("{}-{}", self.stage, self.name);
        self.account().container(&name.parse().unwrap())
    }
}

pub(super) fn nothing(_: &Place<'_>) {}

pub(super) fn always() -> Conditions {
    Conditions::default()
}

pub(super) fn metadata() -> Metadata {
    let mut metadata = Metadata::new();
    metadata.insert("colour", "blue").unwrap();
    metadata
}

pub(super) fn tags() -> Tags {
    "project=one".parse().unwrap()
}

pub(super) fn acquire() -> LeaseRequest {
    LeaseRequest::Acquire {
        duration: LeaseDuration::new(-1).unwrap(),
        proposed: None,
    }
}

pub(super) fn block_id() -> BlockId {
    BlockId::new(b"one").unwrap()
}

pub(super) fn put(place: &Place<'_>) {
    let options = UploadOptions {
        metadata: metadata(),
        tags: tags(),
        ..UploadOptions::default()
    };
    let content = &b"content"[..];
    place.container.upload(&place.blob(), content, options).unwrap();
}

/// With one committed block.
pub(super) fn put_blocks(place: &Place<'_>) {
    let (blob, block) = (place.blob(), PutBlockOptions::default());
    let container = &place.container;
    container
        .put_block(&blob, &block_id(), &b"one"[..], &block)
        .unwrap();
    let listed = [ListedBlock::Latest(block_id())];
    let options = PutBlockListOptions::default();
    container.put_block_list(&blob, &listed, &options).unwrap();
}

pub(super) fn put_append_blob(place: &Place<'_>) {
    let options = CreateBlobOptions::default();
    place
        .container
        .create_append_blob(&place.blob(), &options)
        .unwrap();
}

pub(super) fn put_page_blob(place: &Place<'_>) {
    let options = CreateBlobOptions::default();
    let container = &place.container;
    container
        .create_page_blob(&place.blob(), (1024, 0), &options)
        .unwrap();
}

/// A page blob, and a page of another one to copy.
pub(super) fn put_page_blob_and_source(place: &Place<'_>) {
    put_page_blob(place);
    let container = &place.container;
    container
        .upload(&source_name(place), &PAGE[..], UploadOptions::default())
        .unwrap();
}

/// A page blob to follow, with a snapshot.
pub(super) fn put_page_blob_and_snapshot(place: &Place<'_>) {
    let options = CreateBlobOptions::default();
    let (container, name) = (&place.container, source_name(place));
    container.create_page_blob(&name, (1024, 0), &options).unwrap();
    container
        .snapshot_blob(&name, &SnapshotOptions::default())
        .unwrap();
}

/// The one snapshot of the page blob to follow.
pub(super) fn snapshot_source(place: &Place<'_>) -> BlobSource {
    let name = source_name(place);
    let mut request = ListBlobs::default();
    request.include.snapshots = true;
    let page = place.container.list_blobs(&request).unwrap();
    let snapshot = page
        .blobs()
        .find(|blob| blob.name == name && blob.snapshot.is_some());
    BlobSource {
        which: BlobVersionRef::Snapshot(snapshot.unwrap().snapshot.unwrap()),
        ..BlobSource::new(&place.container, name)
    }
}

pub(super) fn put_append_blob_and_source(place: &Place<'_>) {
    put_append_blob(place);
    let container = &place.container;
    container
        .upload(&source_name(place), &PAGE[..], UploadOptions::default())
        .unwrap();
}

pub(super) fn put_source(place: &Place<'_>) {
    let (container, options) = (&place.container, UploadOptions::default());
    container.upload(&source_name(place), &PAGE[..], options).unwrap();
}

/// A copy from another account, which the maintenance would carry on.
pub(super) fn start_far_copy(place: &Place<'_>) {
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

pub(super) fn abort_copy(place: &Place<'_>) -> Result<()> {
    let page = place.container.list_blobs(&ListBlobs::default())?;
    let mut blobs = page.blobs();
    let copying = blobs
        .find(|item| item.name == place.blob())
        .expect("it is listed");
    let id = copying.properties.copy.as_ref().expect("it is a copy").id;
    place.container.abort_copy(&place.blob(), id, &always())
}

pub(super) fn delete_batch(place: &Place<'_>) -> Result<()> {
    let part = DeletePart {
        container: place.container.name().clone(),
        name: place.blob(),
        options: DeleteBlobOptions::default(),
    };
    let parts = place.account().blob_batch(&BlobBatch::Delete(vec![part]))?;
    parts.into_iter().try_for_each(|part| part.map(drop))
}

pub(super) fn source_name(place: &Place<'_>) -> BlobName {
    format!("{}-source", place.name).parse().unwrap()
}

pub(super) fn source(place: &Place<'_>) -> BlobSource {
    BlobSource::new(&place.container, source_name(place))
}

pub(super) fn set_immutability(place: &Place<'_>) -> Result<()> {
    let policy = ImmutabilityPolicy {
        until: place.world.clock.now().plus(DAY),
        mode: ImmutabilityMode::Unlocked,
    };
    let container = &place.container;
    container.set_blob_immutability(&place.blob(), policy, &always())
}

pub(super) fn keep_deleted(place: &Place<'_>) {
    let change = |settings: &mut strongroom::BlobServiceProperties| {
        let retention = Some(RetentionDays::new(365).unwrap());
        settings.delete_retention = retention;
        settings.container_delete_retention = retention;
    };
    place.account().change_blob_service_properties(change).unwrap();
}

pub(super) fn delete(place: &Place<'_>) {
    keep_deleted(place);
    put(place);
    place.container.delete_blob(&place.blob(), &always()).unwrap();
}

pub(super) fn create_container(place: &Place<'_>) {
    place.own_container().create(&Metadata::new()).unwrap();
}

pub(super) fn delete_container(place: &Place<'_>) {
    keep_deleted(place);
    create_container(place);
    place.own_container().delete(&always()).unwrap();
}

pub(super) fn restore_container(place: &Place<'_>) -> Result<()> {
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

pub(super) fn list(place: &Place<'_>, detail: ListDetail) -> Result<()> {
    let request = ListBlobs {
        detail,
        ..ListBlobs::default()
    };
    place.container.list_blobs(&request).map(drop)
}

pub(super) fn snapshot(place: &Place<'_>, metadata: Metadata) -> Result<()> {
    let options = SnapshotOptions {
        metadata,
        ..SnapshotOptions::default()
    };
    place.container.snapshot_blob(&place.blob(), &options).map(drop)
}

pub(super) fn commit_blocks(place: &Place<'_>, metadata: Metadata) -> Result<()> {
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
