//! Slots: where streams keep keys and plaintext, so that somebody else can empty them.
//!
//! Whoever revokes access empties every slot; a paused stream then finds nothing to go on with. Using a
//! slot's content and emptying it exclude each other, so nothing is decrypted or handed out after `revoke`
//! has returned.

use parking_lot::Mutex;

/// Something that holds secrets on behalf of a stream and can be told to forget them.
pub trait Revocable: Send + Sync {
    /// Wipes the secrets. Idempotent.
    fn revoke(&self);
}

/// Holds one secret until it is revoked. The secret wipes itself on drop.
pub struct Slot<T>(Mutex<Option<T>>);

impl<T> Slot<T> {
    /// A filled slot.
    pub fn new(secret: T) -> Self {
        Self(Mutex::new(Some(secret)))
    }

    /// Runs `with` on the secret; `None` once it was revoked. A revocation waits for `with` to end.
    pub fn with<R>(&self, with: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.0.lock().as_mut().map(with)
    }
}

impl<T: Send> Revocable for Slot<T> {
    fn revoke(&self) {
        self.0.lock().take();
    }
}
