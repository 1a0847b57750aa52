//! An anchored store and anchored vaults: an old copy of either, put back while they are closed, is refused;
//! it is taken only when told so, and that is written down. On every engine.
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail loudly")]

mod common;

use std::fs;
use std::path::PathBuf;

use common::{ACCOUNT, KEY, NEEDED, VAULT, World, copy_dir, fixtures, latest};
use strongroom::engine::SystemEntropy;
use strongroom::keyvault::{AccessPolicy, KeyPermissions, NewKeyOptions, NewVault, Retention};
use strongroom::{
    AnchorMode, Container, DownloadOptions, EngineKind, Error, FileAnchor, KeyFile, Metadata, Result,
    Settings, Store, StoreOptions, UploadOptions, VaultOptions, Vaults,
};

const ENGINES: &[EngineKind] = &[
    EngineKind::Sled,
    #[cfg(feature = "fjall")]
    EngineKind::Fjall,
];

/// A store and vaults on one engine, each with an anchor on what stands for other media.
struct Anchored {
    root: tempfile::TempDir,
    engine: EngineKind,
}

impl Anchored {
    /// The account `photos` under a customer's key, with one blob.
    fn new(engine: EngineKind) -> Self {
        let root = tempfile::tempdir().unwrap();
        let made = Self { root, engine };
        for key in ["host.key", "vault.key"] {
            KeyFile::create(&made.path(key), &SystemEntropy).unwrap();
        }
        let vaults = made.vault_options().init().unwrap();
        let (keys, owner) = (vaults.store(), vaults.store().owner_token().unwrap());
        let (tenant, safe) = (keys.default_tenant(), common::vault(VAULT));
        let mut new = NewVault::new(safe.clone(), tenant, "westus".parse().unwrap());
        new.retention = Retention::Protected { days: 90 };
        keys.create_vault(&owner, new).unwrap();
        let key = keys.create_key(&owner, &safe, &KEY.parse().unwrap(), NewKeyOptions::default());
        let store = made.store_options(&vaults).init().unwrap();
        let account = strongroom::NewAccount::new(common::name(ACCOUNT), tenant, "westus".parse().unwrap());
        let account = store.create_account(&account).unwrap();
        let policy = AccessPolicy {
            object_id: account.assign_identity().unwrap().principal_id,
            keys: KeyPermissions::parse(NEEDED).unwrap(),
        };
        keys.set_policy(&owner, &safe, policy).unwrap();
        account.use_customer_key(&latest(&key.unwrap().id)).unwrap();
        album(&store).create(&Metadata::new()).unwrap();
        upload(&store, "before");
        made
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn vault_options(&self) -> VaultOptions {
        let key = KeyFile::read(&self.path("vault.key")).unwrap();
        let options = Vaults::builder(self.path("vaults"), key)
            .providers(fixtures())
            .anchor(FileAnchor::new(self.path("vaults.head")));
        // Vaults choose no engine of their own; another one is handed to them.
        match self.engine {
            EngineKind::Sled => options,
            other => options.engine(other.open(self.path("own"), 8 << 20).unwrap()),
        }
    }

    fn store_options(&self, vaults: &Vaults) -> StoreOptions {
        let mut settings = Settings::default();
        settings.engine = self.engine;
        Store::builder(self.path("data"), KeyFile::read(&self.path("host.key")).unwrap())
            .settings(settings)
            .vaults(vaults)
            .anchor(FileAnchor::new(self.path("data.head")))
    }

    fn open(&self) -> Result<(Vaults, Store)> {
        let vaults = self.vault_options().open()?;
        let store = self.store_options(&vaults).open()?;
        Ok((vaults, store))
    }

    /// Where the records of the vaults are.
    fn vault_records(&self) -> &'static str {
        if self.engine == EngineKind::Sled {
            "vaults"
        } else {
            "own"
        }
    }

    fn keep(&self, directory: &str) {
        copy_dir(&self.path(directory), &self.path(&format!("{directory}.kept")));
    }

    /// Puts the kept copy back; what was there is kept instead.
    fn swap(&self, directory: &str) {
        let (now, kept, spare) = (
            self.path(directory),
            self.path(&format!("{directory}.kept")),
            self.path("spare"),
        );
        fs::rename(&now, &spare).unwrap();
        fs::rename(&kept, &now).unwrap();
        fs::rename(&spare, &kept).unwrap();
    }
}

fn album(store: &Store) -> Container {
    store
        .account(&common::name(ACCOUNT))
        .unwrap()
        .container(&"album".parse().unwrap())
}

fn upload(store: &Store, blob: &str) {
    let options = UploadOptions::default();
    album(store)
        .upload(&blob.parse().unwrap(), blob.as_bytes(), options)
        .unwrap();
}

fn download(store: &Store, blob: &str) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    album(store).download(&blob.parse().unwrap(), &DownloadOptions::default(), &mut out)?;
    Ok(out)
}

fn code<T>(result: Result<T>) -> &'static str {
    result.map_or_else(|error: Error| error.code(), |_| "")
}

#[test]
fn an_old_copy_of_the_whole_store_is_refused_until_it_is_accepted() {
    for engine in ENGINES {
        let world = Anchored::new(*engine);
        world.keep("data");
        let (vaults, store) = world.open().unwrap();
        upload(&store, "after");
        let newest = store.head().unwrap();
        store.close().unwrap();
        vaults.close().unwrap();

        world.swap("data");
        let vaults = world.vault_options().open().unwrap();
        let options = || world.store_options(&vaults);
        let refused = options().open().err().unwrap();
        assert_eq!(refused.code(), "StoreRolledBack", "{engine:?}");
        let numbers = [newest.number(), newest.number() - 1].map(|number| format!("commit {number}"));
        assert!(
            numbers.iter().all(|number| refused.message().contains(number)),
            "{refused}"
        );
        assert!(refused.what_to_do().unwrap().contains("accept"), "{refused}");
        assert_eq!(
            code(options().anchor_mode(AnchorMode::Begin).open()),
            "StoreRolledBack"
        );
        let store = options().anchor_mode(AnchorMode::AcceptRollback).open().unwrap();
        let accepted = store.accepted_rollbacks().unwrap();
        let accepted: Vec<_> = accepted
            .iter()
            .map(|rollback| (rollback.anchored, rollback.found))
            .collect();
        assert_eq!(accepted, [(newest.number(), newest.number() - 1)]);
        assert_eq!(download(&store, "before").unwrap(), b"before");
        assert_eq!(download(&store, "after").unwrap_err().code(), "BlobNotFound");
        store.close().unwrap();
        options().open().unwrap().close().unwrap();
        // Now the newer one is the old one.
        world.swap("data");
        assert_eq!(code(options().open()), "StoreRolledBack", "{engine:?}");
    }
}

#[test]
fn an_old_copy_of_the_vaults_does_not_undo_a_revocation() {
    for engine in ENGINES {
        let world = Anchored::new(*engine);
        world.keep(world.vault_records());
        let (vaults, store) = world.open().unwrap();
        let principal = store
            .account(&common::name(ACCOUNT))
            .unwrap()
            .properties()
            .unwrap();
        let principal = principal.system_identity.unwrap().principal_id;
        let owner = vaults.store().owner_token().unwrap();
        vaults
            .store()
            .delete_policy(&owner, &common::vault(VAULT), principal)
            .unwrap();
        assert_eq!(download(&store, "before").unwrap_err().status(), 403);
        store.close().unwrap();
        vaults.close().unwrap();

        world.swap(world.vault_records());
        assert_eq!(
            code(world.vault_options().open()),
            "StoreRolledBack",
            "{engine:?}"
        );
        assert_eq!(
            code(world.vault_options().anchor_mode(AnchorMode::Begin).open()),
            "StoreRolledBack"
        );
        let accepting = world.vault_options().anchor_mode(AnchorMode::AcceptRollback);
        let vaults = accepting.open().unwrap();
        let owner = vaults.store().owner_token().unwrap();
        let log = vaults
            .store()
            .audit(&owner, &common::vault(VAULT), 0, usize::MAX)
            .unwrap();
        let line = &log.last().unwrap().record;
        assert_eq!(line.operation.as_str(), "VaultRollbackAccepted", "{engine:?}");
        assert!(line.target.starts_with("commit "), "{}", line.target);
        assert!(vaults.store().verify_audit(&owner, &common::vault(VAULT)).is_ok());
        vaults.close().unwrap();
        world.vault_options().open().unwrap().close().unwrap();
    }
}

#[test]
fn a_store_is_opened_with_its_own_anchor_and_begins_or_ends_one_only_when_told_so() {
    let world = Anchored::new(EngineKind::Sled);
    let vaults = world.vault_options().open().unwrap();
    let plain = || {
        Store::builder(
            world.path("data"),
            KeyFile::read(&world.path("host.key")).unwrap(),
        )
        .vaults(&vaults)
    };
    let anchored = |name: &str| plain().anchor(FileAnchor::new(world.path(name)));
    assert_eq!(code(plain().open()), "AnchorNotGiven");
    assert_eq!(code(anchored("lost.head").open()), "AnchorMissing");
    assert_eq!(code(anchored("vaults.head").open()), "AnchorForeign");
    let head = fs::read_to_string(world.path("data.head")).unwrap();
    let forged = |text: String| fs::write(world.path("forged.head"), text).unwrap();
    forged(head.replacen("head-1", "head-9", 1));
    assert_eq!(code(anchored("forged.head").open()), "AnchorDamaged");
    let digit = if head.ends_with("0\n") { "1\n" } else { "0\n" };
    forged(format!("{}{digit}", &head[..head.len() - 2]));
    assert_eq!(code(anchored("forged.head").open()), "AnchorDamaged");

    let begun = anchored("new.head")
        .anchor_mode(AnchorMode::Begin)
        .open()
        .unwrap();
    upload(&begun, "after");
    let written = begun.head().unwrap();
    begun.close().unwrap();
    // The anchor that was given up is behind, and catches up.
    anchored("data.head")
        .expect_head(written)
        .open()
        .unwrap()
        .close()
        .unwrap();
    assert_eq!(
        fs::read(world.path("data.head")).unwrap(),
        fs::read(world.path("new.head")).unwrap()
    );

    assert_eq!(
        code(plain().anchor_mode(AnchorMode::Begin).open()),
        "AnchorNotGiven"
    );
    plain()
        .anchor_mode(AnchorMode::End)
        .open()
        .unwrap()
        .close()
        .unwrap();
    let store = plain().open().unwrap();
    assert_eq!(store.head(), None);
    assert!(store.accepted_rollbacks().unwrap().is_empty());
    store.close().unwrap();
    assert_eq!(code(plain().expect_head(written).open()), "StoreRolledBack");
}

#[test]
fn an_anchor_that_cannot_be_written_stops_the_store() {
    let mut world = World::customer();
    let media = world.directory.path().join("media");
    fs::create_dir(&media).unwrap();
    world.store.close().unwrap();
    let options = |world: &World| world.options().anchor(FileAnchor::new(media.join("head")));
    world.store = options(&world).anchor_mode(AnchorMode::Begin).open().unwrap();
    fs::rename(&media, world.directory.path().join("away")).unwrap();
    let create = |world: &World| album(&world.store).create(&Metadata::new());
    assert_eq!(code(create(&world)), "AnchorFailed");
    fs::rename(world.directory.path().join("away"), &media).unwrap();
    assert_eq!(code(create(&world)), "InternalError", "until it is opened again");
    world.store.close().unwrap();
    world.store = options(&world).open().unwrap();
    // What was not acknowledged may have happened.
    assert_eq!(code(create(&world)), "ContainerAlreadyExists");
    upload(&world.store, "after");
}
