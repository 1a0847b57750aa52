//! What needs a damaged record inside: a copy that cannot go on keeps no other from going on.

use strongroom_engine::SystemEntropy;
use strongroom_engine::engine::memory::MemoryEngine;

use super::CopyOptions;
use crate::account::{Account, NewAccount};
use crate::blob::{BlobSource, UploadOptions};
use crate::commit::Failure;
use crate::container::Container;
use crate::error::ErrorKind;
use crate::metadata::Metadata;
use crate::rooms;
use crate::store::{KeyFile, Store};

fn container(store: &Store, account: &str) -> (Account, Container) {
    let tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47".parse().unwrap();
    let new = NewAccount::new(account.parse().unwrap(), tenant, "westus".parse().unwrap());
    let account = store.create_account(&new).unwrap();
    let container = account.container(&"box".parse().unwrap());
    container.create(&Metadata::new()).unwrap();
    (account, container)
}

#[test]
fn a_copy_that_cannot_go_on_keeps_no_other_from_going_on() {
    let directory = tempfile::tempdir().unwrap();
    let key = KeyFile::create(&directory.path().join("key"), &SystemEntropy).unwrap();
    let store = Store::builder(directory.path().join("data"), key)
        .engine(Box::new(MemoryEngine::new()))
        .init()
        .unwrap();
    let (_, from) = container(&store, "source");
    let (account, to) = container(&store, "target");
    let name = "b".parse().unwrap();
    from.upload(&name, &b"content"[..], UploadOptions::default())
        .unwrap();
    let options = CopyOptions::default();
    to.start_copy(&name, &BlobSource::new(&from, name.clone()), &options)
        .unwrap();
    for id in [[0; 16], [255; 16]] {
        let damaged = rooms::key(rooms::COPIES, &[&id]);
        let put = account
            .core
            .transact(move |txn| Ok::<_, Failure>(txn.put(&damaged, &[1, 0])?));
        put.unwrap();
    }
    let error = store.maintain().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "said in the end");
    let found = to
        .blob_properties(&name, &crate::blob::Conditions::default())
        .unwrap();
    assert_eq!(found.length, 7, "copied all the same");
}
