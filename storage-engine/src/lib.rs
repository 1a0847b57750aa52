//! Sealed trees and sealed bodies over an ordered key-value engine.

pub mod chunks;
pub mod engine;
