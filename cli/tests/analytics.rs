//! What is logged and measured is set and shown as in `az`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use support::{Room, at};

#[test]
fn logging_and_metrics_are_set_and_shown() {
    let room = Room::with_store();
    room.ok("storage account create -n acc -g rg -l eastus");
    let logging = "storage logging";
    let shown = room.ok(&format!(
        "{logging} update --account-name acc --log rd --retention 7"
    ));
    assert_eq!(at(&shown, "/blob/read"), true);
    assert_eq!(at(&shown, "/blob/write"), false);
    assert_eq!(
        at(
            &room.ok(&format!("{logging} show --account-name acc")),
            "/blob/retentionPolicy/days"
        ),
        7
    );
    let off = room.ok(&format!("{logging} off --account-name acc --services b"));
    assert_eq!(at(&off, "/blob/read"), false);
    let metrics = "storage metrics update --account-name acc";
    let shown = room.ok(&format!("{metrics} --hour true --api true --retention 0"));
    assert_eq!(at(&shown, "/blob/hour/includeApis"), true);
    assert_eq!(at(&shown, "/blob/minute/enabled"), false);
    let cases = [
        (
            format!("{logging} update --account-name acc --log x --retention 7"),
            "InvalidArgumentValueError",
        ),
        (
            format!("{logging} show --account-name acc --services q"),
            "InvalidArgumentValueError",
        ),
        (
            format!("{metrics} --hour true --retention 1"),
            "RequiredArgumentMissingError",
        ),
        (format!("{metrics} --retention 1"), "RequiredArgumentMissingError"),
    ];
    for (line, code) in cases {
        room.fails(&line, 2, code);
    }
}
