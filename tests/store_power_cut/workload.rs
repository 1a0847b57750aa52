//! Makes a store, works in it, and tells whether it is what was promised.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use strongroom::engine::{ManualClock, SystemEntropy};
use strongroom::keyvault::{AccessPolicy, KeyPermissions, NewKeyOptions, NewVault, Retention};
use strongroom::{
    Account, AppendBlockOptions, BlobName, BlockId, Conditions, Container, CreateBlobOptions, CustomerKey,
    EngineKind, KeyFile, ListedBlock, Metadata, NewAccount, Placement, PutBlockListOptions, PutBlockOptions,
    Settings, Store, UploadOptions, Vaults,
};

use crate::common::{ACCOUNT, NEEDED, VAULT, beginning, fixtures, name, vault};
use crate::found::{CONTAINER, Found, key_name, named, told};
use crate::state::{LOGS, Operation, content, operation};

/// Where the journal is, beside the directories of store and vaults.
pub(crate) const JOURNAL: &str = "journal";
/// Small, so that most blobs have a body of several chunks.
const CHUNK_BYTES: u32 = 16 << 10;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    pub(crate) engine: EngineKind,
    pub(crate) placement: Placement,
    pub(crate) seed: u64,
    /// How many are recorded.
    pub(crate) operations: u64,
}

/// A store and its vaults, open.
pub(crate) struct Opened {
    vaults: Vaults,
    pub(crate) store: Store,
}

impl Opened {
    fn container(&self) -> Container {
        self.account().unwrap().container(&CONTAINER.parse().unwrap())
    }

    pub(crate) fn account(&self) -> Result<Account, String> {
        self.store.account(&name(ACCOUNT)).map_err(told("the account"))
    }

    pub(crate) fn close(self) {
        self.store.close().unwrap();
        self.vaults.close().unwrap();
    }
}

impl Workload {
    pub(crate) fn name(&self) -> String {
        format!("{:?}, bodies in {:?}", self.engine, self.placement).to_lowercase()
    }

    /// The state before the first operation: an account under the platform's key that may use a vault.
    pub(crate) fn make(&self, root: &Path) {
        let key = |file: &str| KeyFile::create(&root.join(file), &SystemEntropy).unwrap();
        let (host_key, vault_key) = (key("host.key"), key("vault.key"));
        let clock = Arc::new(ManualClock::new(beginning()));
        let vaults = Vaults::builder(root.join("vaults"), vault_key)
            .clock(clock.clone())
            .providers(fixtures())
            .init()
            .unwrap();
        let mut settings = Settings::default();
        settings.engine = self.engine;
        settings.placement = self.placement;
        settings.chunk_bytes = CHUNK_BYTES;
        let store = Store::builder(root.join("data"), host_key)
            .settings(settings)
            .clock(clock)
            .vaults(&vaults)
            .init()
            .unwrap();
        let opened = Opened { vaults, store };
        prepare(&opened);
        opened.close();
    }

    pub(crate) fn open(root: &Path) -> Result<Opened, String> {
        let key = |file: &str| {
            let file = root.join(file);
            // The rebuilt disk keeps no modes.
            let private = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(&file, private).map_err(told("a key file"))?;
            KeyFile::read(&file).map_err(told("a key file"))
        };
        let clock = Arc::new(ManualClock::new(beginning()));
        let vaults = Vaults::builder(root.join("vaults"), key("vault.key")?)
            .clock(clock.clone())
            .providers(fixtures())
            .open()
            .map_err(told("the vaults"))?;
        let mut settings = Settings::default();
        settings.chunk_bytes = CHUNK_BYTES;
        let store = Store::builder(root.join("data"), key("host.key")?)
            .settings(settings)
            .clock(clock)
            .vaults(&vaults)
            .open()
            .map_err(told("the store"))?;
        Ok(Opened { vaults, store })
    }

    /// Carries out operations from `first`, noting `B n` before and `S n` after each.
    pub(crate) fn run(&self, root: &Path, first: u64) {
        let opened = Self::open(root).unwrap();
        let mut journal = OpenOptions::new()
            .append(true)
            .create(true)
            .open(root.join(JOURNAL))
            .unwrap();
        for number in first..first + self.operations {
            note(&mut journal, 'B', number);
            self.carry_out(&opened, number);
            note(&mut journal, 'S', number);
        }
        opened.close();
    }

    fn carry_out(&self, opened: &Opened, number: u64) {
        let container = opened.container();
        let bytes = |part| content(self.seed, number, part);
        match operation(self.seed, number) {
            Operation::Upload { blob } => {
                let mut options = UploadOptions::default();
                options.metadata.insert("number", &number.to_string()).unwrap();
                container
                    .upload(&named(&blob), bytes(0).as_slice(), options)
                    .unwrap();
            }
            Operation::Blocks { blob, blocks } => put_blocks(&container, &named(&blob), blocks, bytes),
            Operation::Append { blob } => {
                let options = AppendBlockOptions::default();
                container
                    .append_block(&named(&blob), bytes(1).as_slice(), &options)
                    .unwrap();
            }
            Operation::Delete { blob } => {
                match container.delete_blob(&named(&blob), &Conditions::default()) {
                    Err(error) if error.code() != "BlobNotFound" => panic!("{error}"),
                    _ => {}
                }
            }
            Operation::CustomerKey => use_new_key(opened, number),
            Operation::PlatformKey => {
                opened.account().unwrap().use_platform_key().unwrap();
            }
        }
    }

    /// Opens what a power cut left: it must be the state after an operation between the last acknowledged
    /// and the last begun one. Works on, closes, and looks again.
    pub(crate) fn verify(&self, root: &Path, promised: Promised) -> Result<(), String> {
        let number = self.recovered(root, promised)?;
        let opened = Self::open(root)?;
        self.carry_out(&opened, number + 1);
        opened.close();
        let after = Promised {
            acknowledged: number + 1,
            begun: number + 1,
        };
        self.recovered(root, after)
            .map(drop)
            .map_err(|error| format!("after recovery, an operation and a close: {error}"))
    }

    /// The number of the operation whose state the store in `root` shows.
    pub(crate) fn recovered(&self, root: &Path, promised: Promised) -> Result<u64, String> {
        let opened = Self::open(root).map_err(|error| format!("LOST: {promised:?}: {error}"))?;
        let found = Found::look(&opened.account()?)?;
        let unreadable: Vec<_> = found.unreadable().collect();
        if !unreadable.is_empty() {
            return Err(format!("LOST: {promised:?}: {unreadable:?} cannot be read"));
        }
        // An operation that changes nothing looks like the one before: the later one is as good.
        let mut numbers = (promised.acknowledged..=promised.begun).rev();
        let number = numbers.find(|&number| found.difference(self.seed, number, number).is_none());
        let number = number.ok_or_else(|| {
            let first = promised.acknowledged;
            let difference = found.difference(self.seed, first, first);
            format!("TORN: {promised:?}: {difference:?}")
        })?;
        let scrub = opened.store.scrub(None, |_| {}).map_err(told("scrub"))?;
        if !scrub.damage.is_empty() {
            return Err(format!("{promised:?}: {:?}", scrub.damage));
        }
        opened.close();
        Ok(number)
    }
}

fn prepare(opened: &Opened) {
    let vaults = opened.vaults.store();
    let (token, tenant) = (vaults.owner_token().unwrap(), vaults.default_tenant());
    let mut new = NewVault::new(vault(VAULT), tenant, "westus".parse().unwrap());
    new.retention = Retention::Protected { days: 90 };
    vaults.create_vault(&token, new).unwrap();
    let account = NewAccount::new(name(ACCOUNT), tenant, "westus".parse().unwrap());
    let account = opened.store.create_account(&account).unwrap();
    let identity = account.assign_identity().unwrap();
    let policy = AccessPolicy {
        object_id: identity.principal_id,
        keys: KeyPermissions::parse(NEEDED).unwrap(),
    };
    vaults.set_policy(&token, &vault(VAULT), policy).unwrap();
    let container = account.container(&CONTAINER.parse().unwrap());
    container.create(&Metadata::new()).unwrap();
    for log in LOGS {
        let options = CreateBlobOptions::default();
        container.create_append_blob(&named(log), &options).unwrap();
    }
}

fn put_blocks(container: &Container, blob: &BlobName, blocks: u64, bytes: impl Fn(u64) -> Vec<u8>) {
    let id = |part: u64| -> BlockId { format!("AAA{}", (b'A' + part as u8) as char).parse().unwrap() };
    for part in 1..=blocks {
        let options = PutBlockOptions::default();
        container
            .put_block(blob, &id(part), bytes(part).as_slice(), &options)
            .unwrap();
    }
    let list: Vec<_> = (1..=blocks).map(|part| ListedBlock::Latest(id(part))).collect();
    container
        .put_block_list(blob, &list, &PutBlockListOptions::default())
        .unwrap();
}

fn use_new_key(opened: &Opened, number: u64) {
    let vaults = opened.vaults.store();
    let (token, key) = (vaults.owner_token().unwrap(), key_name(number).parse().unwrap());
    let made = match vaults.create_key(&token, &vault(VAULT), &key, NewKeyOptions::default()) {
        Ok(made) => made,
        Err(error) => panic!("{error}"),
    };
    let account = opened.store.account(&name(ACCOUNT)).unwrap();
    account
        .use_customer_key(&CustomerKey::from(made.id.base()))
        .unwrap();
}

fn note(journal: &mut File, what: char, number: u64) {
    journal
        .write_all(format!("{what} {number}\n").as_bytes())
        .unwrap();
}

/// What the journal says at some moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Promised {
    acknowledged: u64,
    begun: u64,
}

impl Promised {
    /// After operation `done`, and what the journal says since.
    pub(crate) fn read(done: u64, journal: &[u8]) -> Self {
        let mut promised = Self {
            acknowledged: done,
            begun: done,
        };
        for line in std::str::from_utf8(journal).unwrap().lines() {
            let (what, number) = line.split_once(' ').unwrap();
            let number = number.parse().unwrap();
            match what {
                "S" => promised.acknowledged = number,
                _ => promised.begun = number,
            }
        }
        promised
    }
}
