//! A stream of a body stops when it is revoked or fails, leaves nothing behind, and needs little memory.

mod body_world;

use std::sync::atomic::Ordering::SeqCst;

use body_world::{BodyWorld, bytes};
use strongroom_engine::body::BodyError;

#[test]
fn a_revoked_writer_takes_nothing_more_and_leaves_no_chunk() {
    let world = BodyWorld::new();
    let mut writer = world.writer(1 << 10);
    writer.write(&bytes(3 << 20)).unwrap();
    assert!(!world.table.chunks.lock().is_empty());
    writer.slot().revoke();
    assert!(matches!(writer.write(b"more"), Err(BodyError::Revoked)));
    assert!(matches!(writer.write(b"more"), Err(BodyError::Interrupted)));
    assert!(matches!(writer.finish(), Err(BodyError::Interrupted)));
    assert!(world.table.chunks.lock().is_empty());
}

#[test]
fn a_writer_revoked_before_its_end_does_not_finish() {
    let world = BodyWorld::new();
    for length in [0, 100, 3000] {
        let mut writer = world.writer(1 << 10);
        writer.write(&bytes(length)).unwrap();
        writer.slot().revoke();
        assert!(
            matches!(writer.finish(), Err(BodyError::Revoked)),
            "{length} bytes"
        );
        assert!(world.table.chunks.lock().is_empty(), "{length} bytes");
    }
}

#[test]
fn a_revoked_reader_hands_out_nothing_even_of_an_open_chunk() {
    let world = BodyWorld::new();
    let body = world.store(&bytes(5000), 1 << 10);
    let reader = world.reader(&body).unwrap();
    assert_eq!(reader.read_at(0, &mut [0; 10]).unwrap(), 10);
    let lent = reader.lend(0, 10).unwrap();
    reader.slot().revoke();
    reader.give_back(lent); // The slot stays empty.
    for offset in [10, 2000] {
        assert!(matches!(
            reader.read_at(offset, &mut [0; 10]),
            Err(BodyError::Revoked)
        ));
        assert!(matches!(reader.lend(offset, 10), Err(BodyError::Revoked)));
    }
    assert!(matches!(reader.check_chunk(0), Err(BodyError::Revoked)));
}

#[test]
fn an_abandoned_writer_leaves_no_chunk() {
    let world = BodyWorld::new();
    let kept = world.store(&bytes(5000), 1 << 10);
    let before = world.table.chunks.lock().len();
    let mut writer = world.writer(1 << 10);
    writer.write(&bytes(3 << 20)).unwrap();
    drop(writer);
    assert_eq!(world.table.chunks.lock().len(), before);
    assert_eq!(world.read(&kept).unwrap(), bytes(5000));
}

#[test]
fn a_writer_whose_chunks_were_lost_never_finishes() {
    let world = BodyWorld::new();
    let mut writer = world.writer(1 << 10);
    world.table.broken.store(true, SeqCst);
    assert!(matches!(writer.write(&bytes(3 << 20)), Err(BodyError::Tree(_))));
    world.table.broken.store(false, SeqCst);
    assert!(matches!(writer.write(b"more"), Err(BodyError::Interrupted)));
    assert!(matches!(writer.finish(), Err(BodyError::Interrupted)));
}

/// Resident memory in bytes, where the system tells.
fn resident() -> Option<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    statm
        .split(' ')
        .nth(1)?
        .parse::<usize>()
        .ok()
        .map(|pages| pages * 4096)
}

#[test]
fn memory_does_not_grow_with_the_body() {
    let world = BodyWorld::new();
    world.table.forgetful.store(true, SeqCst);
    let piece = bytes(1 << 20);
    let mut writer = world.writer(64 << 10);
    (0..8).for_each(|_| writer.write(&piece).unwrap());
    let Some(before) = resident() else { return };
    (0..128).for_each(|_| writer.write(&piece).unwrap());
    let grown = resident().unwrap().saturating_sub(before);
    assert!(grown < 16 << 20, "grew by {grown} bytes over 128 MiB");
    assert_eq!(writer.finish().unwrap().reference().length, 136 << 20);
}
