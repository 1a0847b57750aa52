//! The adapter between an account and a vault: settings, envelope, key guard, one-time key.

mod guard;

pub(crate) use guard::{DataKeys, KeyGuard};
