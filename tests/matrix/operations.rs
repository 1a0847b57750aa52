//! Every operation of the Blob service as a call of the library that succeeds while the key can be used.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use strongroom::Operation as Op;
use strongroom::{
    AccessTier, AppendBlockOptions, BlobExpiry, Block, BlockListFilter, ContentHeaders, CopyOptions,
    CreateBlobOptions, DownloadOptions, FindBlobs, ListContainers, ListDetail, ListPageRanges, Metadata,
    Operation, PublicAccess, PutBlockOptions, PutPagesOptions, Result, SetTierOptions, UploadOptions,
};

use super::calls::*;

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
];

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
    case(Op::IncrementalCopyBlob, "", put_page_blob_and_snapshot, |p| {
        p.container
            .incremental_copy(&p.blob(), &snapshot_source(p), &always())
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
