//! A copy reads back whole, whatever keys its source and itself are under, wherever it goes, onto its source
//! included: under the right key, also once the store was opened anew, and under no other key.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of a test may fail loudly"
)]

mod blob_world;
mod copy_world;

use blob_world::{BlobWorld, CHUNK, blob, bytes, metadata};
use copy_world::other;
use strongroom::{
    Account, BlobSource, BlobVersionRef, Conditions, Container, CopyOptions, CopyStatus, CreateBlobOptions,
    CustomerProvidedKey, DownloadOptions, EncryptionChoice, Error, NewEncryptionScope, PutPagesOptions,
    ReadOptions, SnapshotOptions, Timestamp, UploadOptions,
};

const SCOPE: &str = "tenant-1";

fn provided(byte: u8) -> EncryptionChoice {
    CustomerProvidedKey::new(&[byte; 32]).into()
}

fn scope() -> EncryptionChoice {
    EncryptionChoice::Scope(SCOPE.parse().unwrap())
}

fn create_scope(account: &Account) {
    let new = NewEncryptionScope::default();
    account
        .create_encryption_scope(&SCOPE.parse().unwrap(), &new)
        .unwrap();
}

fn keep_versions(account: &Account) {
    account
        .change_blob_service_properties(|settings| settings.versioning = true)
        .unwrap();
}

fn read(
    container: &Container,
    name: &str,
    (which, encryption): (BlobVersionRef, EncryptionChoice),
) -> Result<Vec<u8>, Error> {
    let options = DownloadOptions {
        which,
        encryption,
        ..DownloadOptions::default()
    };
    let mut out = Vec::new();
    container.download(&blob(name), &options, &mut out)?;
    Ok(out)
}

/// What a provided key opens; everything else opens without one.
fn key_of(choice: &EncryptionChoice) -> EncryptionChoice {
    match choice {
        EncryptionChoice::CustomerKey(_) => choice.clone(),
        _ => EncryptionChoice::Default,
    }
}

/// Where a copy goes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Itself,
    /// The same, where versions are kept.
    ItselfKept,
    Beside,
    OtherAccount,
}

#[derive(Clone, Copy, Debug)]
enum How {
    /// Begun, and carried on by the maintenance.
    Asynchronous,
    AtOnce,
}

#[track_caller]
fn check(place: Place, how: How, (from, to): (&EncryptionChoice, &EncryptionChoice)) {
    let case = format!("{place:?} {how:?} from {from:?} to {to:?}");
    let world = BlobWorld::new();
    let here = world.container("here");
    let (account, there) = other(&world);
    [&world.account, &account].into_iter().for_each(create_scope);
    if place == Place::ItselfKept {
        keep_versions(&world.account);
    }
    let content = bytes(3 * CHUNK + 5);
    let upload = UploadOptions {
        encryption: from.clone(),
        metadata: metadata(&[("who", "carol")]),
        ..UploadOptions::default()
    };
    let put = here.upload(&blob("source"), content.as_slice(), upload).unwrap();
    let (container, target) = match place {
        Place::Itself | Place::ItselfKept => (&here, "source"),
        Place::Beside => (&here, "copy"),
        Place::OtherAccount => (&there, "copy"),
    };
    let source = BlobSource {
        encryption: key_of(from),
        ..BlobSource::new(&here, blob("source"))
    };
    let options = CopyOptions {
        encryption: to.clone(),
        ..CopyOptions::default()
    };
    let begun = match how {
        How::Asynchronous => container.start_copy(&blob(target), &source, &options),
        How::AtOnce => container.copy_blob(&blob(target), &source, &options),
    };
    let begun = begun.expect(&case);
    while !world.store.maintain().unwrap().done {}

    // Within an account a provided key goes on with the content, unless something else was named.
    let stays = *to == EncryptionChoice::Default && place != Place::OtherAccount;
    let key = key_of(if stays { from } else { to });
    let options = ReadOptions {
        encryption: key.clone(),
        ..ReadOptions::default()
    };
    let shown = container.blob_properties(&blob(target), &options).unwrap();
    assert_eq!(shown.copy.unwrap().status, CopyStatus::Success, "{case}");
    assert_eq!(shown.metadata.unwrap().get("who"), Some("carol"), "{case}");
    assert_eq!(
        shown.encryption.customer_key_sha256,
        key.customer_key_sha256(),
        "{case}"
    );
    let base = |key| read(container, target, (BlobVersionRef::Base, key));
    assert!(base(key).unwrap() == content, "{case}");
    assert_eq!(base(provided(9)).unwrap_err().status(), 409, "{case}");
    match place {
        Place::Itself => {}
        Place::ItselfKept => {
            let version = BlobVersionRef::Version(put.version_id.unwrap());
            assert_ne!(begun.version_id, put.version_id, "{case}");
            assert!(
                read(&here, "source", (version, key_of(from))).unwrap() == content,
                "{case}"
            );
        }
        Place::Beside | Place::OtherAccount => {
            let source = (BlobVersionRef::Base, key_of(from));
            assert!(read(&here, "source", source).unwrap() == content, "{case}");
        }
    }
    assert_eq!(world.store.scrub(None, |_| ()).unwrap().damage.len(), 0, "{case}");
}

#[test]
fn every_copy_reads_back_under_the_keys_it_was_made_for() {
    let choices = [EncryptionChoice::Default, scope(), provided(1), provided(2)];
    let places = [
        Place::Itself,
        Place::ItselfKept,
        Place::Beside,
        Place::OtherAccount,
    ];
    for place in places {
        for how in [How::Asynchronous, How::AtOnce] {
            for from in &choices {
                for to in &choices {
                    check(place, how, (from, to));
                }
            }
        }
    }
}

/// A page blob of one page, made anew under `choice`, and a snapshot of it.
fn disk(container: &Container, choice: &EncryptionChoice, byte: u8) -> Timestamp {
    let name = blob("disk");
    let create = CreateBlobOptions {
        encryption: choice.clone(),
        ..CreateBlobOptions::default()
    };
    container.create_page_blob(&name, (512, 0), &create).unwrap();
    let pages = PutPagesOptions {
        encryption: key_of(choice),
        ..PutPagesOptions::default()
    };
    container
        .put_pages(&name, (0, 512), &[byte; 512][..], &pages)
        .unwrap();
    let snapshot = SnapshotOptions {
        encryption: key_of(choice),
        ..SnapshotOptions::default()
    };
    container.snapshot_blob(&name, &snapshot).unwrap().snapshot
}

/// The blob that is followed comes under another key, step by step.
#[test]
fn every_step_of_an_incremental_copy_is_under_the_keys_of_what_it_follows() {
    let choices = [
        EncryptionChoice::Default,
        provided(1),
        provided(2),
        EncryptionChoice::Default,
    ];
    let world = BlobWorld::new();
    let container = world.container("disks");
    let mut steps = Vec::new();
    for (byte, choice) in (1u8..).zip(choices) {
        let source = BlobSource {
            which: BlobVersionRef::Snapshot(disk(&container, &choice, byte)),
            encryption: choice.clone(),
            ..BlobSource::new(&container, blob("disk"))
        };
        let copied = container.incremental_copy(&blob("copy"), &source, &Conditions::default());
        copied.unwrap();
        let options = ReadOptions {
            encryption: choice.clone(),
            ..ReadOptions::default()
        };
        let shown = container.blob_properties(&blob("copy"), &options).unwrap();
        let snapshot = shown.copy.unwrap().destination_snapshot.unwrap();
        steps.push((BlobVersionRef::Snapshot(snapshot), choice.clone(), byte));
        steps.push((BlobVersionRef::Base, choice, byte));
        for (which, choice, byte) in &steps {
            if *which == BlobVersionRef::Base && *byte != steps.last().unwrap().2 {
                continue;
            }
            let content = read(&container, "copy", (*which, choice.clone())).unwrap();
            assert!(content == [*byte; 512], "{which:?} under {choice:?}");
        }
    }
}
