//! The state table of Azure's "Lease Blob", written out by hand: every state, every action, every id that
//! makes a difference, every kind of break period.

use std::time::Duration;

use strongroom_engine::Timestamp;

use super::{BreakPeriod, Lease, LeaseAction, LeaseDuration, LeaseId, LeaseState, LeaseStatus};

const HELD: LeaseId = LeaseId([1; 16]);
const OTHER: LeaseId = LeaseId([2; 16]);
const THIRD: LeaseId = LeaseId([3; 16]);

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix_seconds(1_764_000_000).plus(Duration::from_secs(seconds))
}

fn period(seconds: i64) -> Option<BreakPeriod> {
    Some(BreakPeriod::new(seconds).unwrap())
}

/// A lease in the named state at second 40; `+n` is how many seconds it still has.
fn lease(state: &str) -> Lease {
    let acquire = |seconds| LeaseAction::Acquire {
        id: HELD,
        duration: LeaseDuration::new(seconds).unwrap(),
    };
    let broken = |seconds, period| {
        let held = Lease::None.apply(acquire(seconds), at(20)).unwrap();
        held.apply(LeaseAction::Break { period }, at(20)).unwrap()
    };
    match state {
        "available" => Lease::None,
        "leased+40" => Lease::None.apply(acquire(60), at(20)).unwrap(),
        "infinite" => Lease::None.apply(acquire(-1), at(20)).unwrap(),
        "expired" => Lease::None.apply(acquire(20), at(20)).unwrap(),
        "breaking+10" => broken(60, period(30)),
        "broken" => broken(30, period(20)),
        other => panic!("{other}"),
    }
}

fn action(name: &str) -> LeaseAction {
    let acquire = |id, seconds| LeaseAction::Acquire {
        id,
        duration: LeaseDuration::new(seconds).unwrap(),
    };
    let change = |id, proposed| LeaseAction::Change { id, proposed };
    match name {
        "acquire held 30" => acquire(HELD, 30),
        "acquire held infinite" => acquire(HELD, -1),
        "acquire other 30" => acquire(OTHER, 30),
        "acquire other infinite" => acquire(OTHER, -1),
        "renew held" => LeaseAction::Renew { id: HELD },
        "renew other" => LeaseAction::Renew { id: OTHER },
        "change held" => change(HELD, THIRD),
        "change other" => change(OTHER, THIRD),
        "change again" => change(OTHER, HELD),
        "release held" => LeaseAction::Release { id: HELD },
        "release other" => LeaseAction::Release { id: OTHER },
        "break" => LeaseAction::Break { period: None },
        "break 0" => LeaseAction::Break { period: period(0) },
        "break 5" => LeaseAction::Break { period: period(5) },
        "break 60" => LeaseAction::Break { period: period(60) },
        other => panic!("{other}"),
    }
}

/// State, id and seconds left, as in `leased held 30`; or the code of the refusal.
fn tell(lease: Lease, action: LeaseAction, now: Timestamp) -> String {
    let after = match lease.apply(action, now) {
        Ok(after) => after,
        Err(error) => {
            assert_eq!(error.status(), 409);
            return error.code().to_owned();
        }
    };
    let id = match after.id() {
        None => "",
        Some(HELD) => " held",
        Some(OTHER) => " other",
        Some(_) => " third",
    };
    let ends = match after {
        Lease::Held { ends, .. } => ends,
        Lease::Broken { ends, .. } => Some(ends),
        Lease::None => None,
    };
    let left = match (after.state(now), ends) {
        (LeaseState::Leased | LeaseState::Breaking, Some(ends)) => format!(" {}", ends.since(now).as_secs()),
        (LeaseState::Leased, None) => " infinite".to_owned(),
        _ => String::new(),
    };
    format!("{}{id}{left}", after.state(now))
}

const STATES: [&str; 6] = [
    "available",
    "leased+40",
    "infinite",
    "breaking+10",
    "broken",
    "expired",
];

/// What the signs in the table stand for.
const REFUSALS: [(&str, &str); 6] = [
    ("mismatch", "LeaseIdMismatchWithLeaseOperation"),
    ("absent", "LeaseNotPresentWithLeaseOperation"),
    ("present", "LeaseAlreadyPresent"),
    ("no acquire", "LeaseIsBreakingAndCannotBeAcquired"),
    ("no change", "LeaseIsBreakingAndCannotBeChanged"),
    ("no renew", "LeaseIsBrokenAndCannotBeRenewed"),
];

/// One row per action, one column per state in the order of [`STATES`]: what becomes of the lease, how long
/// it still has, or the sign of a refusal.
const TABLE: &str = "
acquire held 30       |leased held 30|leased held 30|leased held 30|no acquire|leased held 30|leased held 30
acquire held infinite |leased held infinite|=1|=1|no acquire|=1|=1
acquire other 30      |leased other 30|present|present|present|leased other 30|leased other 30
acquire other infinite|leased other infinite|present|present|present|leased other infinite|=1
renew held            |mismatch|leased held 60|leased held infinite|no renew|no renew|leased held 20
renew other           |mismatch|mismatch|mismatch|mismatch|mismatch|mismatch
change held           |absent|leased third 40|leased third infinite|no change|absent|absent
change other          |absent|mismatch|mismatch|mismatch|absent|absent
change again          |absent|leased held 40|leased held infinite|no change|absent|absent
release held          |mismatch|available|available|available|available|available
release other         |mismatch|mismatch|mismatch|mismatch|mismatch|mismatch
break                 |absent|breaking held 40|broken held|breaking held 10|broken held|broken held
break 0               |absent|broken held|broken held|broken held|broken held|broken held
break 5               |absent|breaking held 5|breaking held 5|breaking held 5|broken held|broken held
break 60              |absent|breaking held 40|breaking held 60|breaking held 10|broken held|broken held
";

#[test]
fn every_action_does_what_the_table_says_in_every_state() {
    let mut checked = 0;
    for row in TABLE.trim().lines() {
        let mut cells = row.split('|').map(str::trim);
        let name = cells.next().unwrap();
        let cells: Vec<&str> = cells.collect();
        assert_eq!(cells.len(), STATES.len(), "{name}");
        for (state, cell) in STATES.iter().zip(&cells) {
            // `=1` is as in the first column.
            let cell = if *cell == "=1" { cells[0] } else { cell };
            let refusal = REFUSALS.iter().find(|(sign, _)| *sign == cell);
            let want = refusal.map_or(cell, |(_, code)| code);
            assert_eq!(
                tell(lease(state), action(name), at(40)),
                want,
                "{name} when {state}"
            );
            checked += 1;
        }
    }
    assert_eq!(checked, 15 * 6);
}

#[test]
fn a_lease_ends_at_its_second_and_not_before() {
    let just_before = |time: Timestamp| Timestamp::from_ticks(time.ticks() - 1);
    for (state, ends, before, after) in [
        ("leased+40", 80, LeaseState::Leased, LeaseState::Expired),
        ("breaking+10", 50, LeaseState::Breaking, LeaseState::Broken),
    ] {
        let lease = lease(state);
        assert_eq!(lease.state(just_before(at(ends))), before, "{state}");
        assert_eq!(lease.state(at(ends)), after, "{state}");
    }
    assert_eq!(lease("infinite").state(at(1 << 40)), LeaseState::Leased);
}

#[test]
fn a_broken_lease_tells_the_seconds_it_still_has_rounded_up() {
    let of = ("0x8DE2B1A4C5D6E7F".parse().unwrap(), at(0));
    let told = |state, action, now| lease(state).receipt(action, now, of).lease_time;
    let action = LeaseAction::Break { period: None };
    let half = Duration::from_millis(500);
    assert_eq!(told("breaking+10", action, at(40)), Some(10));
    assert_eq!(told("breaking+10", action, at(40).plus(half)), Some(10));
    assert_eq!(told("breaking+10", action, at(49).plus(half)), Some(1));
    assert_eq!(told("broken", action, at(60)), Some(0));
}

/// What an operation that gives no id, the right one, or another one gets in every state: to write, to read.
#[test]
fn operations_need_the_id_of_a_lease_that_locks_and_no_other() {
    use super::Leasable::{Blob, Container};
    let (missing, mismatch, absent) = ("LeaseIdMissing", "LeaseIdMismatchWith", "LeaseNotPresentWith");
    for state in STATES {
        let locked = ["leased+40", "infinite", "breaking+10"].contains(&state);
        assert_eq!(
            lease(state).status(at(40)) == LeaseStatus::Locked,
            locked,
            "{state}"
        );
        let without = [if locked { missing } else { "" }, ""];
        let right = if locked { "" } else { absent };
        let wrong = if locked { mismatch } else { absent };
        for (given, [write, read]) in [
            (None, without),
            (Some(HELD), [right; 2]),
            (Some(OTHER), [wrong; 2]),
        ] {
            for (of, suffix) in [(Blob, "BlobOperation"), (Container, "ContainerOperation")] {
                let lease = lease(state);
                let seen = [
                    lease.check_write(given, at(40), of),
                    lease.check_read(given, at(40), of),
                ];
                for (seen, want) in seen.into_iter().zip([write, read]) {
                    let seen = seen.map_or_else(
                        |error| format!("{} {}", error.code(), error.status()),
                        |()| String::new(),
                    );
                    let suffix = if want.ends_with("With") { suffix } else { "" };
                    let want = if want.is_empty() {
                        String::new()
                    } else {
                        format!("{want}{suffix} 412")
                    };
                    assert_eq!(seen, want, "{state}, {given:?}, {of:?}");
                }
            }
        }
    }
}

#[test]
fn a_write_forgets_a_lease_that_has_ended_and_keeps_one_that_has_not() {
    for state in STATES {
        let kept = match state {
            "leased+40" | "infinite" | "breaking+10" => lease(state),
            _ => Lease::None,
        };
        assert_eq!(lease(state).after_write(at(40)), kept, "{state}");
    }
}

#[test]
fn only_an_id_that_is_a_guid_and_only_legal_times_are_taken() {
    let upper: LeaseId = "1F812371-A41D-49E6-B123-F4B542E851C5".parse().unwrap();
    assert_eq!(upper, "1f812371-a41d-49e6-b123-f4b542e851c5".parse().unwrap());
    for text in ["", "1f812371", "1f812371-a41d-49e6-b123-f4b542e851cg"] {
        assert_eq!(text.parse::<LeaseId>().unwrap_err().status(), 400, "{text}");
    }
    for seconds in -300..300 {
        let legal = seconds == -1 || (15..=60).contains(&seconds);
        assert_eq!(LeaseDuration::new(seconds).is_ok(), legal, "{seconds}");
        assert_eq!(
            BreakPeriod::new(seconds).is_ok(),
            (0..=60).contains(&seconds),
            "{seconds}"
        );
    }
}
