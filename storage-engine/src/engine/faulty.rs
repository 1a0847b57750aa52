//! A wrapper that fails on purpose: the N-th call, once or from then on.
//!
//! Calls are counted from zero over everything [`Scope`] names. A failed write or sync poisons the wrapper as
//! the contract asks: later writes fail with [`EngineError::Poisoned`] and reads go on.

use std::sync::Arc;

use parking_lot::Mutex;

use super::{
    Batch, Capabilities, Durability, Engine, EngineError, EngineStats, KeyRange, ScanOptions, ScanPage, Space,
};

/// Which calls are counted, and may fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// `get`, `scan`, `apply`, `sync` and `checkpoint`.
    #[default]
    All,
    /// `apply`, `sync` and `checkpoint`.
    Writes,
}

/// How long the trouble lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    /// Only the planned call fails. A failed write still poisons the wrapper.
    Once,
    /// The planned call and every counted one after it.
    FromThenOn,
}

/// What a failing call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// [`EngineError::Io`]; nothing is applied. Poisons when it hits a write or a sync.
    Io,
    /// [`EngineError::Unavailable`] with `maybe_applied`; a batch was applied all the same.
    UnavailableApplied,
    /// [`EngineError::Unavailable`] with `maybe_applied`; nothing was applied.
    UnavailableNotApplied,
}

/// Which call fails, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Number of the failing call, from zero.
    pub call: u64,
    /// Once or from then on.
    pub lasting: Lasting,
    /// In which way.
    pub fault: Fault,
}

/// Looks into a [`Faulty`] engine and steers it, also while somebody else owns it.
#[derive(Clone, Debug, Default)]
pub struct FaultHandle(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    scope: Scope,
    plan: Option<Plan>,
    calls: u64,
    failed: u64,
    poisoned: bool,
}

impl FaultHandle {
    /// Counted calls so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.0.lock().calls
    }

    /// Calls that failed on purpose so far; refusals of a poisoned wrapper not included.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.0.lock().failed
    }

    /// Replaces the plan, counts from zero again, and forgets the poison.
    pub fn set(&self, scope: Scope, plan: Option<Plan>) {
        *self.0.lock() = State {
            scope,
            plan,
            ..State::default()
        };
    }

    /// Counts a call; says which fault it must show.
    fn enter(&self, kind: Kind) -> Result<Option<Fault>, EngineError> {
        let mut state = self.0.lock();
        if state.poisoned && kind == Kind::Write {
            return Err(EngineError::Poisoned);
        }
        if state.scope == Scope::Writes && kind == Kind::Read {
            return Ok(None);
        }
        let call = state.calls;
        state.calls += 1;
        let due = state.plan.filter(|plan| match plan.lasting {
            Lasting::Once => call == plan.call,
            Lasting::FromThenOn => call >= plan.call,
        });
        if let Some(plan) = due {
            state.failed += 1;
            state.poisoned |= plan.fault == Fault::Io && kind == Kind::Write;
        }
        Ok(due.map(|plan| plan.fault))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    Write,
}

/// Fails calls of the engine inside it.
pub struct Faulty<E: ?Sized> {
    handle: FaultHandle,
    inner: Box<E>,
}

impl<E: Engine + ?Sized> Faulty<E> {
    /// An engine that fails nothing until a plan is set through the handle.
    #[must_use]
    pub fn new(inner: Box<E>) -> (Self, FaultHandle) {
        let handle = FaultHandle::default();
        let faulty = Self {
            handle: handle.clone(),
            inner,
        };
        (faulty, handle)
    }

    /// Runs `call`, or shows the planned fault in its place.
    fn run<T>(&self, kind: Kind, call: impl FnOnce(&E) -> Result<T, EngineError>) -> Result<T, EngineError> {
        match self.handle.enter(kind)? {
            None => call(&self.inner),
            Some(Fault::Io) => {
                let source = std::io::Error::other("a fault on purpose");
                Err(EngineError::io("using the faulty engine", None, source))
            }
            Some(Fault::UnavailableApplied) => {
                call(&self.inner)?;
                Err(EngineError::Unavailable { maybe_applied: true })
            }
            Some(Fault::UnavailableNotApplied) => Err(EngineError::Unavailable { maybe_applied: true }),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<E: Engine + ?Sized> Engine for Faulty<E> {
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.run(Kind::Read, |engine| engine.get(space, key))
    }

    fn scan(&self, space: Space, range: &KeyRange, options: ScanOptions) -> Result<ScanPage, EngineError> {
        self.run(Kind::Read, |engine| engine.scan(space, range, options))
    }

    fn apply(&self, batch: Batch, durability: Durability) -> Result<(), EngineError> {
        self.run(Kind::Write, |engine| engine.apply(batch, durability))
    }

    fn sync(&self) -> Result<(), EngineError> {
        self.run(Kind::Write, E::sync)
    }

    fn checkpoint(&self) -> Result<(), EngineError> {
        self.run(Kind::Write, E::checkpoint)
    }

    fn stats(&self) -> Result<EngineStats, EngineError> {
        self.inner.stats()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn close(&self) -> Result<(), EngineError> {
        self.inner.close()
    }
}
