//! The bytes of docs/FORMAT.md, written out: a change here is a new version of the record.

use strongroom_engine::body::{BodyId, BodyRef, Location};
use strongroom_engine::keys::ItemSeal;
use uuid::Uuid;

use super::super::ids::ContentId;
use super::*;
use crate::lease::{LeaseAction, LeaseDuration};

fn extent() -> Extent {
    Extent {
        body: BodyRef {
            id: BodyId([1; 24]),
            seal: ItemSeal {
                salt: [2; 32],
                commitment: [3; 32],
            },
            length: 300,
            chunk_bytes: 65_536,
            location: Location::Small([4; 24]),
        },
        start: 9,
        length: 251,
    }
}

fn plain(content: BlobContent) -> BlobRecord {
    BlobRecord {
        content_md5: Some([7; 16]),
        metadata: Some(SealedMetadata {
            id: [5; 16],
            sealed: vec![6; 3],
        }),
        ..BlobRecord::new(NewBlob {
            blob_type: BlobType::BlockBlob,
            created: Timestamp::from_ticks(1 << 40),
            last_modified: Timestamp::from_ticks(250),
            etag: "0x8DE2B1A4C5D6E7F".parse().unwrap(),
            headers: ContentHeaders {
                content_language: Some("de".to_owned()),
                ..ContentHeaders::of_type("a/b")
            },
            length: 251,
            content,
        })
    }
}

/// Up to and including the length.
fn first_bytes() -> Vec<u8> {
    let mut want = vec![4, 0];
    want.extend([253, 0, 0, 0, 0, 0, 1, 0, 0, 250]);
    want.extend([253, 0x7f, 0x6e, 0x5d, 0x4c, 0x1a, 0x2b, 0xde, 0x08]);
    want.extend(b"\x03a/b\x00\x01\x02de\x00\x00\x10");
    want.extend([7; 16]);
    want.extend([251, 251, 0]);
    want
}

fn metadata_bytes() -> Vec<u8> {
    [vec![1, 16], vec![5; 16], vec![3, 6, 6, 6]].concat()
}

fn check(record: &BlobRecord, want: &[u8]) {
    assert_eq!(encode(record).unwrap(), want);
    assert_eq!(&decode::<BlobRecord>(want).unwrap(), record);
    for cut in 0..want.len() {
        assert!(decode::<BlobRecord>(&want[..cut]).is_err(), "{cut}");
    }
}

#[test]
fn a_record_has_the_documented_bytes() {
    let mut want = first_bytes();
    want.extend([0, 1, 112]);
    want.extend([1; 24].iter().chain(&[2; 32]).chain(&[3; 32]).chain(&[4; 24]));
    want.extend([251, 44, 1, 252, 0, 0, 1, 0]);
    want.extend([9, 251, 251, 0]);
    want.extend(metadata_bytes());
    want.extend([0; 20]);
    check(&plain(BlobContent::Own(vec![extent()])), &want);
}

#[test]
fn shared_content_has_the_documented_bytes() {
    let manifest = BlobContent::Manifest {
        id: ContentId(8),
        entries: 7,
        blocks: 6,
    };
    let pages = BlobContent::Pages {
        map: ContentId(9),
        generation: 3,
        borrowed: true,
    };
    for (content, bytes) in [(manifest, vec![1, 8, 7, 6]), (pages, vec![2, 9, 3, 1])] {
        let want = [first_bytes(), bytes, metadata_bytes(), vec![0; 20]].concat();
        check(&plain(content), &want);
    }
}

#[test]
fn the_parts_of_features_have_the_documented_bytes() {
    let time = Timestamp::from_ticks;
    let record = BlobRecord {
        encryption: EncryptionDetails {
            scope: Some("s".to_owned()),
            customer_key_sha256: Some([8; 32]),
        },
        tags: vec![("k".to_owned(), "v".to_owned())],
        lease: Lease::None
            .apply(
                LeaseAction::Acquire {
                    id: "09090909-0909-0909-0909-090909090909".parse().unwrap(),
                    duration: LeaseDuration::new(15).unwrap(),
                },
                time(0),
            )
            .unwrap(),
        tier: TierState {
            tier: Some(AccessTier::Archive),
            inferred: true,
            changed: Some(time(4)),
            archive: Some(ArchiveStatus::RehydratePendingToCool),
            priority: Some(RehydratePriority::High),
            rehydrated: Some(time(5)),
        },
        sequence_number: 6,
        append: AppendState {
            blocks: 7,
            sealed: true,
        },
        copy: Some(CopyState {
            id: Uuid::from_bytes([10; 16]),
            source: "u".to_owned(),
            status: CopyStatus::Failed,
            copied: 11,
            total: 12,
            completed: Some(time(13)),
            description: Some("d".to_owned()),
            destination_snapshot: Some(time(14)),
        }),
        is_incremental_copy: true,
        immutability: Some(ImmutabilityPolicy {
            until: time(15),
            mode: ImmutabilityMode::Locked,
        }),
        legal_hold: true,
        expires: Some(time(16)),
        version: Some(time(17)),
        deleted: Some(Deleted {
            when: time(18),
            until: time(19),
        }),
        ..plain(BlobContent::empty())
    };
    let mut want = [first_bytes(), vec![0, 0], metadata_bytes()].concat();
    want.extend(b"\x01\x01s\x01");
    want.extend([8; 32]);
    want.extend(b"\x01\x01k\x01v\x01");
    want.extend([9; 16]);
    want.extend([1, 15, 1, 252, 0x80, 0xd1, 0xf0, 0x08]);
    want.extend([1, 3, 1, 1, 4, 1, 1, 1, 1, 1, 5]);
    want.extend([6, 7, 1, 1, 16]);
    want.extend([10; 16]);
    want.extend(b"\x01u\x03\x0b\x0c\x01\x0d\x01\x01d\x01\x0e");
    want.extend([1, 1, 15, 1, 1, 1, 16, 1, 17, 1, 18, 19]);
    check(&record, &want);
}

#[test]
fn a_record_of_the_version_before_is_refused() {
    let mut bytes = encode(&plain(BlobContent::empty())).unwrap();
    bytes[0] = 3;
    assert!(decode::<BlobRecord>(&bytes).is_err());
}
