//! The key guard: the only way from an operation to the data keys of an account or of an encryption scope.
//!
//! Invariants:
//! * The vault's epoch is read *before* an unwrap and kept with the keys. Keys are used only while the epoch
//!   is the same, so a revocation that has returned precedes every later use.
//! * A change of the account's identities, or of a scope's state, counts like a change in the vault: an
//!   answer that was asked for before it is never installed after it.
//! * A change in the vault calls [`AccessWatcher::access_changed`] before it returns. If access is gone the
//!   keys are wiped and every registered slot is emptied by then; if it is still there, streams go on
//!   undisturbed.
//! * Once closed, a guard stays closed, whatever change of the settings was under way.
//! * Keys are used, and heads swapped, under the read lock; taking them away needs the write lock.
//! * The write lock is never waited for while anything else is held, nor by a thread that may hold a [`Pass`]
//!   ([`KeyGuard::check`] and [`Gate::enter`] run on the committer). The read lock is taken recursively: a
//!   committer with a pass must not queue behind a writer that waits for that pass.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Weak};

use parking_lot::{Mutex, RecursiveRwLock};
use strongroom_engine::keys::{Purpose, PurposeKey, RootKey};
use strongroom_engine::slot::Revocable;
use strongroom_engine::tree::{Gate, GateClosed, Pass};
use strongroom_keyvault::{AccessWatcher, Epoch};

use super::custody::Custody;
use super::envelope::Source;
use super::refusal::{Obstacle, Refusal};
use crate::error::{Error, ErrorKind, Result};

/// How often an answer of the vault may be overtaken by the next change before an operation gives up.
const ATTEMPTS: usize = 32;
/// Slots are looked through for dead ones whenever this many have been added.
const SLOTS_BETWEEN_SWEEPS: usize = 64;

/// The keys of an account's or scope's data, derived from its root key.
pub(crate) struct DataKeys {
    /// Seals content of blobs.
    pub(crate) content: PurposeKey,
    /// Seals user metadata of blobs.
    pub(crate) metadata: PurposeKey,
}

impl DataKeys {
    fn derive(root: &RootKey, custody: &Custody) -> Self {
        Self {
            content: custody.data_key(root, Purpose::Content),
            metadata: custody.data_key(root, Purpose::Metadata),
        }
    }
}

/// What the guard knows.
enum State {
    /// Nobody is admitted ever again.
    Closed(Closed),
    /// The customer's key has to be asked for.
    Locked,
    /// The customer's key opened the root key, and nothing has changed in the vault since `epoch`.
    Open { keys: DataKeys, epoch: Moment },
    /// The platform holds the root key; the vault has no say.
    Platform(DataKeys),
    /// The vault refused at `epoch`.
    Refused { refusal: Refusal, epoch: Moment },
}

/// Lets a change of who holds the root key commit only while nothing has changed since what it rests on was
/// proven: whoever revokes precedes the commit, or waits for it.
struct Unchanged {
    guard: Arc<KeyGuard>,
    since: Moment,
}

impl Gate for Unchanged {
    fn enter(&self) -> Result<Pass, GateClosed> {
        let state = self.guard.state.read_arc();
        if self.guard.is_current(self.since) {
            Ok(Pass(Box::new(state)))
        } else {
            Err(GateClosed)
        }
    }
}

/// Why a guard is closed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Closed {
    Store,
    AccountDeleted,
}

/// While two of them are equal nothing has changed in the vault, nor in who the account is towards it, nor
/// whether the scope is enabled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    vault: Epoch,
    settings: u64,
}

/// How an operation stands at this moment.
enum Standing<'a> {
    Admitted(&'a DataKeys),
    Refused(Error),
    /// Something has changed: the vault must be asked.
    Unknown,
}

/// The vault's answer, with the moment that was read before it was asked.
struct Proof {
    epoch: Moment,
    outcome: Result<DataKeys, Obstacle>,
}

/// Holds an account's data keys and gives them up when access is revoked.
pub(crate) struct KeyGuard {
    custody: Arc<Custody>,
    state: Arc<RecursiveRwLock<State>>,
    slots: Mutex<Slots>,
    /// Counts the changes of the account's identities and of the scope's state.
    settings: AtomicU64,
    /// One unwrap at a time; held during calls to the vault and nothing else.
    asking: Mutex<()>,
}

#[derive(Default)]
struct Slots {
    slots: Vec<Weak<dyn Revocable>>,
    since_sweep: usize,
}

impl KeyGuard {
    /// A guard that will ask for the root key when it is first needed, registered with the vault.
    pub(crate) fn locked(custody: Arc<Custody>) -> Arc<Self> {
        Self::with(custody, State::Locked)
    }

    /// A guard of an account that the platform holds the root key of.
    pub(crate) fn platform(custody: Arc<Custody>, root: &RootKey) -> Arc<Self> {
        let keys = DataKeys::derive(root, &custody);
        Self::with(custody, State::Platform(keys))
    }

    /// Where the root key is kept.
    pub(super) fn custody(&self) -> &Custody {
        &self.custody
    }

    fn with(custody: Arc<Custody>, state: State) -> Arc<Self> {
        let guard = Arc::new(Self {
            custody,
            state: Arc::new(RecursiveRwLock::new(state)),
            slots: Mutex::default(),
            settings: AtomicU64::new(0),
            asking: Mutex::new(()),
        });
        if let Some(keys) = &guard.custody.store.keys {
            let watcher: Weak<Self> = Arc::downgrade(&guard);
            keys.service.watch(watcher);
        }
        guard
    }

    /// Fails with the 403 of Azure's storage errors unless the customer's key can be used now.
    ///
    /// A few atomic loads while nothing has changed in the vault. May be called by a thread that holds a
    /// pass.
    pub(crate) fn check(&self) -> Result<()> {
        for _ in 0..ATTEMPTS {
            match self.standing(&self.state.read()) {
                Standing::Admitted(_) => return Ok(()),
                Standing::Refused(error) => return Err(error),
                Standing::Unknown => {}
            }
            let proof = self.prove();
            if !self.is_current(proof.epoch) {
                continue;
            }
            let answer = match &proof.outcome {
                Ok(_) => Ok(()),
                Err(Obstacle::Refused(refusal)) => Err(refusal.error()),
                Err(Obstacle::Failed(_)) => return proof.outcome.map(drop).map_err(Error::from),
            };
            // Kept for the next one if nobody is in the way; the answer stands by itself.
            if let Some(mut state) = self.state.try_write() {
                self.install(&mut state, proof);
            }
            return answer;
        }
        Err(restless())
    }

    /// Why the platform's key does not open the root key that it holds, if that is so.
    pub(crate) fn damage(&self) -> Option<Error> {
        let envelope = self.custody.envelope().ok()?;
        envelope.source.one_time_file()?;
        let error = self.check().err()?;
        (error.kind() == ErrorKind::Corrupt).then_some(error)
    }

    /// Runs `with` on the keys. A revocation waits until `with` has ended; keys never leave the closure.
    ///
    /// Must not be called by a thread that holds a pass, nor from within `with`.
    pub(crate) fn with_keys<R>(&self, with: impl FnOnce(&DataKeys) -> R) -> Result<R> {
        for _ in 0..ATTEMPTS {
            let state = self.state.read();
            match self.standing(&state) {
                Standing::Admitted(keys) => return Ok(with(keys)),
                Standing::Refused(error) => return Err(error),
                Standing::Unknown => drop(state),
            }
            let proof = self.prove();
            if let Err(Obstacle::Failed(error)) = proof.outcome {
                return Err(error);
            }
            self.install(&mut self.state.write(), proof);
        }
        Err(restless())
    }

    /// Has the slot emptied when access is revoked. Registered only while access is open: fails like
    /// [`check`](Self::check).
    pub(crate) fn register(&self, slot: Weak<dyn Revocable>) -> Result<()> {
        self.with_keys(|_| {
            let mut slots = self.slots.lock();
            slots.since_sweep += 1;
            if slots.since_sweep >= SLOTS_BETWEEN_SWEEPS {
                slots.since_sweep = 0;
                slots.slots.retain(|slot| slot.strong_count() > 0);
            }
            slots.slots.push(slot);
        })
    }

    /// The refusal as an error, for a stream that found its slot empty or a transaction whose gate was
    /// closed.
    pub(crate) fn refusal(&self) -> Error {
        match self.check() {
            Err(error) => error,
            Ok(()) => Refusal::KeyNotFound
                .error()
                .hint("access was taken away meanwhile and is there again: try again"),
        }
    }

    /// The platform holds the root key from now on. Streams go on: the root key is the same.
    pub(crate) fn now_platform(&self, root: &RootKey) {
        self.take_over(State::Platform(DataKeys::derive(root, &self.custody)));
    }

    /// The customer's key holds the root key from now on, as proven after `moment` was read with
    /// [`now`](Self::now).
    pub(crate) fn now_customer(&self, root: &RootKey, moment: Moment) {
        let keys = DataKeys::derive(root, &self.custody);
        self.take_over(State::Open { keys, epoch: moment });
        // Something may have changed between the proof and this line.
        self.access_changed();
    }

    /// Puts `state` in place of any other, unless the guard was closed meanwhile.
    fn take_over(&self, state: State) {
        let mut present = self.state.write();
        if !matches!(*present, State::Closed(_)) {
            // A disabled scope lends no keys, whoever holds its root key.
            *present = if self.custody.is_enabled() {
                state
            } else {
                State::Locked
            };
        }
    }

    /// The account asks as somebody else from now on: what is known was proven for another.
    pub(crate) fn identity_changed(&self) {
        self.settings.fetch_add(1, SeqCst);
        self.access_changed();
    }

    /// Wipes the keys and empties the slots: the scope is disabled, and stays so until it is told otherwise.
    pub(crate) fn disable(&self) {
        self.settings.fetch_add(1, SeqCst);
        self.take_over(State::Locked);
        self.empty_slots();
    }

    /// The scope is enabled: whoever comes next asks for its root key.
    pub(crate) fn enable(&self) {
        self.settings.fetch_add(1, SeqCst);
    }

    /// Wipes the keys and empties the slots for good.
    pub(crate) fn close(&self, why: Closed) {
        *self.state.write() = State::Closed(why);
        self.empty_slots();
    }

    fn standing<'a>(&self, state: &'a State) -> Standing<'a> {
        match state {
            State::Platform(keys) => Standing::Admitted(keys),
            State::Open { keys, epoch } if self.is_current(*epoch) => Standing::Admitted(keys),
            State::Refused { refusal, epoch } if self.is_current(*epoch) => {
                Standing::Refused(refusal.error())
            }
            State::Closed(Closed::Store) => Standing::Refused(crate::store::closed()),
            State::Closed(Closed::AccountDeleted) => {
                Standing::Refused(crate::account::not_found(self.custody.name.as_str()))
            }
            State::Locked | State::Open { .. } | State::Refused { .. } => Standing::Unknown,
        }
    }

    /// Asks for the root key. Whoever comes second usually finds the first one's answer.
    fn prove(&self) -> Proof {
        let _asking = self.asking.lock();
        let epoch = self.now();
        if !self.custody.is_enabled() {
            let outcome = Err(Refusal::ScopeDisabled.into());
            return Proof { epoch, outcome };
        }
        let outcome = self
            .custody
            .envelope()
            .map_err(Obstacle::from)
            .and_then(|envelope| {
                let root = self.custody.unwrap(&envelope)?;
                Ok(DataKeys::derive(&root, &self.custody))
            });
        Proof { epoch, outcome }
    }

    /// Takes an answer over, unless something has changed since it was asked for.
    fn install(&self, state: &mut State, proof: Proof) {
        let replaceable = matches!(state, State::Locked | State::Open { .. } | State::Refused { .. });
        // Under the write lock: a change after this line finds what is installed and takes it away.
        if !replaceable || !self.is_current(proof.epoch) {
            return;
        }
        *state = match proof.outcome {
            Ok(keys) => State::Open {
                keys,
                epoch: proof.epoch,
            },
            Err(Obstacle::Refused(refusal)) => State::Refused {
                refusal,
                epoch: proof.epoch,
            },
            Err(Obstacle::Failed(_)) => State::Locked,
        };
    }

    /// What an answer that is asked for after this is good for.
    pub(super) fn now(&self) -> Moment {
        let vault = match &self.custody.store.keys {
            Some(keys) => keys.service.epoch(),
            None => Epoch {
                instance: [0; 16],
                counter: 0,
            },
        };
        Moment {
            vault,
            settings: self.settings.load(SeqCst),
        }
    }

    /// A gate that is open for as long as nothing changes.
    pub(super) fn unchanged_since(self: &Arc<Self>, moment: Moment) -> Arc<dyn Gate> {
        Arc::new(Unchanged {
            guard: Arc::clone(self),
            since: moment,
        })
    }

    fn is_current(&self, epoch: Moment) -> bool {
        self.now() == epoch
    }

    /// No lock of the guard may be held: a stream may hold its slot and ask the guard.
    fn empty_slots(&self) {
        let slots = std::mem::take(&mut *self.slots.lock());
        for slot in slots.slots.iter().filter_map(Weak::upgrade) {
            slot.revoke();
        }
    }
}

impl AccessWatcher for KeyGuard {
    fn access_changed(&self) {
        for _ in 0..ATTEMPTS {
            match &*self.state.read() {
                State::Platform(_) | State::Closed(_) => return,
                State::Open { epoch, .. } if self.is_current(*epoch) => return,
                State::Open { .. } => {}
                // Nothing is held here: the next operation asks. Streams of earlier times lose what they
                // hold.
                State::Locked | State::Refused { .. } => break,
            }
            let proof = self.prove();
            let mut state = self.state.write();
            if self.is_current(proof.epoch) {
                self.install(&mut state, proof);
            }
        }
        {
            let mut state = self.state.write();
            match &*state {
                State::Platform(_) | State::Closed(_) => return,
                State::Open { epoch, .. } if self.is_current(*epoch) => return,
                State::Refused { .. } => {}
                // Changes came faster than answers: fail closed.
                State::Open { .. } | State::Locked => *state = State::Locked,
            }
        }
        self.empty_slots();
    }
}

impl Gate for KeyGuard {
    fn enter(&self) -> Result<Pass, GateClosed> {
        let state = self.state.read_arc();
        for _ in 0..ATTEMPTS {
            match self.standing(&state) {
                Standing::Admitted(_) => return Ok(Pass(Box::new(state))),
                Standing::Refused(_) => return Err(GateClosed),
                Standing::Unknown => {}
            }
            // The read lock is kept: what is proven now holds until the head is swapped.
            let proof = self.prove();
            match proof.outcome {
                Ok(_) if self.is_current(proof.epoch) => return Ok(Pass(Box::new(state))),
                Ok(_) => {}
                Err(_) => return Err(GateClosed),
            }
        }
        Err(GateClosed)
    }
}

pub(super) fn restless() -> Error {
    Error::new(
        ErrorKind::Store,
        "ServerBusy",
        503,
        "the key vault changes faster than it can be asked",
    )
    .hint("try again")
}

/// Whether the platform or the customer holds the root key, as committed. A one-time key that is lost or
/// damaged leaves the guard locked: whatever needs the key fails with that, and a recovery key can be used.
pub(crate) fn open(custody: &Arc<Custody>) -> Result<Arc<KeyGuard>> {
    let envelope = custody.envelope()?;
    match envelope.source {
        Source::Platform { .. } if custody.is_enabled() => {
            match custody.unwrap(&envelope).map_err(Error::from) {
                Ok(root) => Ok(KeyGuard::platform(custody.clone(), &root)),
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    let holder = hex::encode(custody.id().0);
                    tracing::error!(holder, %error, "the platform's key does not open the root key");
                    Ok(KeyGuard::locked(custody.clone()))
                }
                Err(error) => Err(error),
            }
        }
        Source::Platform { .. } | Source::Customer(_) => Ok(KeyGuard::locked(custody.clone())),
    }
}
