//! Leases, tags and deleted containers through the command line.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{Room, at};

const BLOB: &str = "--account-name acc -c files";

fn stocked() -> Room {
    let room = Room::with_store();
    room.ok("storage account create -n acc -g rg -l eastus");
    room.ok("storage container create --account-name acc -n files");
    fs::write(room.path("a.txt"), "hello, blob").unwrap();
    room.ok("storage blob upload --account-name acc -c files -n a -f a.txt");
    room
}

#[test]
fn a_lease_is_taken_renewed_changed_broken_and_released() {
    let room = stocked();
    let (first, second) = (
        "11111111-1111-4111-8111-111111111111",
        "22222222-2222-4222-8222-222222222222",
    );
    for target in [
        format!("storage blob lease {{}} {BLOB} -b a"),
        format!("storage container lease {{}} {BLOB}"),
    ] {
        let run = |verb: &str, rest: &str| room.ok(&format!("{} {rest}", target.replace("{}", verb)));
        assert_eq!(
            run(
                "acquire",
                &format!("--lease-duration 60 --proposed-lease-id {first}")
            ),
            json!(first)
        );
        assert_eq!(run("renew", &format!("--lease-id {first}")), json!(first));
        let change = format!("--lease-id {first} --proposed-lease-id {second}");
        assert_eq!(run("change", &change), json!(second));
        assert_eq!(run("break", "--lease-break-period 0"), json!(0));
        run("release", &format!("--lease-id {second}"));
        assert!(run("acquire", "").as_str().unwrap().len() == 36);
        assert_eq!(run("break", ""), json!(0));
    }
    let shown = room.ok(&format!("storage blob show {BLOB} -n a"));
    assert_eq!(at(&shown, "/properties/lease/state"), "broken");
    assert_eq!(at(&shown, "/properties/lease/status"), "unlocked");
}

#[test]
fn blobs_are_found_by_the_tags_they_were_given() {
    let room = stocked();
    room.ok(&format!(
        "storage blob tag set {BLOB} -n a --tags Status=done Year=2026"
    ));
    assert_eq!(
        room.ok(&format!("storage blob tag list {BLOB} -n a")),
        json!({"Status": "done", "Year": "2026"})
    );
    let found = room.ok("storage blob filter --account-name acc --tag-filter Status='done'");
    let want = json!([{"containerName": "files", "name": "a", "tags": {"Status": "done"}}]);
    assert_eq!(found, want);
    let none = room.ok("storage blob filter --account-name acc -c files --tag-filter Status='open'");
    assert_eq!(none, Value::Array(Vec::new()));
}
