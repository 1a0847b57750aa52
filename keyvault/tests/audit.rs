//! Every key operation has its line in the log, refused ones included, and repeats are counted, not written.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Bench, DAY, key, reference, vault};
use strongroom_engine::Timestamp;
use strongroom_keyvault::EncryptionAlgorithm::RsaOaep256;
use strongroom_keyvault::view::AuditView;
use strongroom_keyvault::{AuditLine, AuditResult, Retention};

fn log(bench: &Bench) -> Vec<AuditLine> {
    bench
        .store
        .audit(&bench.owner(), &vault("bench"), 0, usize::MAX)
        .unwrap()
}

fn names(lines: &[AuditLine]) -> Vec<&'static str> {
    lines.iter().map(|line| line.record.operation.as_str()).collect()
}

fn verified(bench: &Bench) -> u64 {
    let verdict = bench.store.verify_audit(&bench.owner(), &vault("bench")).unwrap();
    assert_eq!(verdict.broken, None);
    verdict.intact
}

#[test]
fn a_day_in_the_life_of_a_vault_is_in_its_log() {
    let mut bench = Bench::with_key();
    let (owner, name, k) = (bench.owner(), vault("bench"), key("key"));
    let wrapped = bench
        .store
        .wrap_key(&owner, &reference("key"), RsaOaep256, b"x")
        .unwrap();
    bench
        .store
        .unwrap_key(&owner, &reference("key"), RsaOaep256, &wrapped.value)
        .unwrap();
    bench.reopen();
    bench.store.get_key(&owner, &name, &k, None).unwrap();
    bench.store.list_keys(&owner, &name).unwrap();
    bench.store.delete_key(&owner, &name, &k).unwrap();
    bench.pass(DAY * 7);
    bench.store.carry_out_due().unwrap();
    let lines = log(&bench);
    let want = [
        "VaultPut",
        "KeyImport",
        "KeyWrap",
        "KeyUnwrap",
        "KeyGet",
        "KeyList",
        "KeyDelete",
        "KeyPurge",
    ];
    assert_eq!(names(&lines), want);
    assert_eq!(verified(&bench), want.len() as u64);
    let owner_id = Some(bench.store.owner());
    let (by_time, by_owner) = lines.split_last().unwrap();
    assert!(by_owner.iter().all(|line| line.record.object_id == owner_id));
    assert_eq!(by_time.record.object_id, None, "time has no object id");
    assert_eq!(lines[2].record.target, wrapped.key.to_string());
}

#[test]
fn a_refusal_is_written_with_its_reason_and_its_caller() {
    let bench = Bench::with_key();
    let identity = bench.caller(&["get"]);
    let token = bench.token(&identity);
    let refused = bench
        .store
        .wrap_key(&token, &reference("key"), RsaOaep256, b"x")
        .unwrap_err();
    let line = log(&bench).pop().unwrap();
    assert_eq!(line.record.object_id, Some(identity.principal_id));
    let result = AuditResult::Failed {
        status: 403,
        code: "AccessDenied".to_owned(),
        description: refused.to_string(),
    };
    assert_eq!(line.record.result, result);
    let view = serde_json::to_value(AuditView::from(&line)).unwrap();
    assert_eq!(view["operationName"], "KeyWrap");
    assert_eq!(view["resultType"], "Failed");
    assert_eq!(view["resultSignature"], "AccessDenied");
    assert_eq!(view["properties"]["httpStatusCode"], 403);
    assert_eq!(
        view["identity"]["claim"]["objectidentifier"],
        identity.principal_id.to_string()
    );
}

#[test]
fn repeats_of_a_refusal_are_one_line_with_their_number() {
    let mut bench = Bench::with_key();
    let token = bench.token(&bench.caller(&[]));
    let before = log(&bench).len();
    for _ in 0..100 {
        assert!(
            bench
                .store
                .wrap_key(&token, &reference("key"), RsaOaep256, b"x")
                .is_err()
        );
    }
    let lines = log(&bench);
    assert_eq!(lines.len(), before + 2);
    assert_eq!(
        (lines[before].record.repeats, lines[before + 1].record.repeats),
        (0, 99)
    );
    // Another epoch: the refusal is written again.
    bench.key("bench", "other");
    for _ in 0..10 {
        assert!(
            bench
                .store
                .wrap_key(&token, &reference("key"), RsaOaep256, b"x")
                .is_err()
        );
    }
    bench.reopen();
    let lines = log(&bench);
    let repeats: Vec<u64> = lines[before + 3..]
        .iter()
        .map(|line| line.record.repeats)
        .collect();
    assert_eq!(repeats, [0, 9], "closing writes what was counted");
    verified(&bench);
}

#[test]
fn names_that_never_were_a_vault_leave_no_log() {
    let bench = Bench::with_key();
    let owner = bench.owner();
    for number in 0..20 {
        let name = vault(&format!("guess{number}"));
        assert!(bench.store.get_key(&owner, &name, &key("key"), None).is_err());
        assert!(bench.store.audit(&owner, &name, 0, 1).is_err());
    }
}

#[test]
fn a_log_outlives_its_vault_and_goes_on_with_the_next_of_the_name() {
    let bench = Bench::with_key();
    let (owner, name) = (bench.owner(), vault("bench"));
    bench.store.delete_vault(&owner, &name).unwrap();
    bench.store.purge_vault(&owner, &name).unwrap();
    bench.vault("bench", Retention::None);
    let lines = log(&bench);
    assert_eq!(names(&lines)[2..], ["VaultDelete", "VaultPurge", "VaultPut"]);
    assert_eq!(verified(&bench), 5);
    let page = bench.store.audit(&owner, &name, 1, 2).unwrap();
    assert_eq!(page, lines[1..3]);
}

#[test]
fn lines_carry_the_time_of_the_clock() {
    let bench = Bench::with_key();
    bench.pass(DAY);
    bench.key("bench", "key");
    let last = log(&bench).pop().unwrap();
    assert_eq!(
        last.record.time,
        Timestamp::from_unix_seconds(1_600_000_000).plus(DAY)
    );
}
