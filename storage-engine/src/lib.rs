//! Sealed trees and sealed bodies over an ordered key-value engine.

pub mod anchor;
pub mod body;
pub mod chunks;
pub mod codec;
pub mod engine;
pub mod entropy;
pub mod keys;
pub mod seal;
mod secret_buffer;
pub mod slot;
mod time;
pub mod tree;

pub use entropy::{Entropy, SystemEntropy};
pub use secret_buffer::SecretBuffer;
pub use time::{Clock, ManualClock, NoTimestamp, SystemClock, Timestamp};
