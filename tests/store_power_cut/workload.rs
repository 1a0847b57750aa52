//! Makes a store, works in it, and tells whether it is what was promised.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use strongroom::engine::{ManualClock, SystemEntropy};
use strongroom::keyvault::{AccessPolicy, KeyPermissions, NewKeyOptions, NewVault, Retention};
use strongroom::{
    AppendBlockOptions, BlobName, BlockId, Conditions, Container, CreateBlobOptions, CustomerKey,
    DownloadOptions, EngineKind, KeyFile, ListBlobs, ListedBlock, Metadata, NewAccount, Placement,
    PutBlockListOptions, PutBlockOptions, ReadOptions, Settings, Store, UploadOptions, Vaults,
};

use crate::common::{ACCOUNT, NEEDED, VAULT, beginning, fixtures, name, vault};
use crate::state::{LOGS, Operation, State, content, operation};

/// Where the journal is, beside the directories of store and vaults.
pub(crate) const JOURNAL: &str = "journal";
/// Small, so that most blobs have a body of several chunks.
const CHUNK_BYTES: u32 = 16 << 10;
const CONTAINER: &str = "blobs";

#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    pub(crate) engine: EngineKind,
    pub(crate) placement: Placement,
    pub(crate) seed: u64,
    /// How many are recorded.
    pub(crate) operations: u64,
}

struct Opened {
    vaults: Vaults,
    store: Store,
}

impl Opened {
    fn container(&self) -> Container {
        let account = self.store.account(&name(ACCOUNT)).unwrap();
        account.container(&CONTAINER.parse().unwrap())
    }

    fn close(self) {
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

    fn open(root: &Path) -> Result<Opened, String> {
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
                let account = opened.store.account(&name(ACCOUNT)).unwrap();
                account.use_platform_key().unwrap();
            }
        }
    }

    /// Opens what a power cut left: it must be the state after an operation between the last acknowledged and the last
    /// begun one. Works on, closes, and looks again.
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
        let differs = |number| self.difference(&opened, number);
        // An operation that changes nothing looks like the one before: the later one is as good.
        let range = promised.acknowledged..=promised.begun;
        let found = range.rev().find(|&number| matches!(differs(number), Ok(None)));
        let number =
            found.ok_or_else(|| format!("TORN: {promised:?}: {:?}", differs(promised.acknowledged)))?;
        let scrub = opened.store.scrub(None, |_| {}).map_err(told("scrub"))?;
        if !scrub.damage.is_empty() {
            return Err(format!("{promised:?}: {:?}", scrub.damage));
        }
        opened.close();
        Ok(number)
    }

    /// What is not as it is after operation `number`.
    fn difference(&self, opened: &Opened, number: u64) -> Result<Option<String>, String> {
        let expected = State::after(self.seed, number);
        let account = opened.store.account(&name(ACCOUNT)).map_err(told("account"))?;
        let status = account.encryption().map_err(told("encryption"))?;
        let key = status.key_vault.map(|key| key.key_name.to_string());
        if key != expected.key.map(key_name) {
            return Ok(Some(format!("the key is {key:?}, not {:?}", expected.key)));
        }
        let container = account.container(&CONTAINER.parse().unwrap());
        let listed = container
            .list_blobs(&ListBlobs::default())
            .map_err(told("list"))?;
        let listed: Vec<String> = listed.blobs().map(|blob| blob.name.to_string()).collect();
        if !listed.iter().eq(expected.blobs.keys()) {
            return Ok(Some(format!("there are {listed:?}")));
        }
        for (blob, wanted) in &expected.blobs {
            let pieces = wanted.pieces.iter();
            let content: Vec<u8> = pieces
                .flat_map(|&(number, part)| content(self.seed, number, part))
                .collect();
            let metadata = wanted.metadata.map(|number| number.to_string());
            if read(&container, blob)? != (content, metadata) {
                return Ok(Some(format!("{blob} is not {wanted:?}")));
            }
        }
        Ok(None)
    }
}

/// Content and metadata of a blob.
fn read(container: &Container, blob: &str) -> Result<(Vec<u8>, Option<String>), String> {
    let (blob, mut content) = (named(blob), Vec::new());
    container
        .download(&blob, &DownloadOptions::default(), &mut content)
        .map_err(told(blob.as_str()))?;
    let properties = container
        .blob_properties(&blob, &ReadOptions::default())
        .map_err(told(blob.as_str()))?;
    let metadata = properties.metadata.as_ref();
    let number = metadata
        .and_then(|metadata| metadata.get("number"))
        .map(str::to_owned);
    Ok((content, number))
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
        keys: KeyPermissions::parse(&NEEDED).unwrap(),
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

fn key_name(number: u64) -> String {
    format!("k{number}")
}

fn named(blob: &str) -> BlobName {
    blob.parse().unwrap()
}

fn told<E: std::fmt::Display>(what: &str) -> impl FnOnce(E) -> String {
    let what = what.to_owned();
    move |error| format!("{what}: {error}")
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
