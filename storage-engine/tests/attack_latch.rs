//! After a write whose answer was lost nothing is acknowledged, although the engine itself goes on.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail by panicking"
)]

mod common;

use common::*;
use strongroom_engine::engine::faulty::{Fault, Faulty, Lasting, Plan, Scope};
use strongroom_engine::engine::{Engine, EngineError};
use strongroom_engine::tree::TreeError;

#[test]
fn after_a_lost_answer_nothing_is_acknowledged_until_the_store_is_opened_again() {
    let memory = memory();
    let inner: Box<dyn Engine> = Box::new(memory.clone());
    let (faulty, handle) = Faulty::new(inner);
    let (_store, tree) = open(faulty, settings(512)).unwrap();
    put(&tree, b"first", b"value").unwrap();
    let plan = Plan {
        call: 0,
        lasting: Lasting::Once,
        fault: Fault::UnavailableNotApplied,
    };
    handle.set(Scope::Writes, Some(plan));
    assert!(put(&tree, b"second", b"value").is_err());
    let batches = handle.calls();
    for key in [b"second".as_slice(), b"third"] {
        let refused = put(&tree, key, b"value");
        assert!(
            matches!(&refused, Err(TreeError::Engine(error)) if matches!(**error, EngineError::Poisoned))
        );
    }
    assert!(tree.reserve_body([1; 16]).is_err());
    assert_eq!(handle.calls(), batches, "nothing reaches the engine any more");
    assert_eq!(tree.get(b"first").unwrap().unwrap(), b"value");
    let (_store, tree) = open(memory, settings(512)).unwrap();
    assert_eq!(tree.get(b"second").unwrap(), None);
    put(&tree, b"second", b"value").unwrap();
}
