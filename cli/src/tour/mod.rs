//! The whole story on the user's own files: store, encrypt, rotate, revoke, restore, verify.

mod report;
mod story;
