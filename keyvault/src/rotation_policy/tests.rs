//! Policies are read, refused and carried out as the service does.

use proptest::prelude::*;

use super::*;

const DAY: i64 = 86_400;

fn duration(text: &str) -> CalendarDuration {
    text.parse().unwrap()
}

fn after(text: &str) -> Option<Trigger> {
    Some(Trigger::TimeAfterCreate(duration(text)))
}

fn before(text: &str) -> Option<Trigger> {
    Some(Trigger::TimeBeforeExpiry(duration(text)))
}

#[test]
fn the_rules_hold() {
    let check = |rotate, notify, expiry: Option<&str>, expected: Option<PolicyError>| {
        let found = RotationPolicy::new(rotate, notify, expiry.map(duration));
        assert_eq!(found.err(), expected, "{rotate:?} {notify:?} {expiry:?}");
    };
    let too_soon = |text| {
        Some(PolicyError::TooSoon {
            found: duration(text),
        })
    };
    let too_late = |text| {
        Some(PolicyError::TooLate {
            found: duration(text),
        })
    };
    let outside = |text, expiry| {
        Some(PolicyError::OutsideLifetime {
            found: duration(text),
            expiry: duration(expiry),
        })
    };
    check(None, None, None, None);
    check(after("P18M"), before("P30D"), Some("P2Y"), None);
    check(None, None, Some("P28D"), None);
    check(None, None, Some("P1M"), None);
    check(
        None,
        None,
        Some("P27D"),
        Some(PolicyError::ExpiryTooShort {
            found: duration("P27D"),
        }),
    );
    check(after("P7D"), None, None, None);
    check(after("P6D"), None, None, too_soon("P6D"));
    check(after("P83D"), None, Some("P90D"), None);
    check(after("P84D"), None, Some("P90D"), too_late("P84D"));
    check(after("P91D"), None, Some("P90D"), outside("P91D", "P90D"));
    check(after("P11M"), None, Some("P1Y"), None);
    check(before("P7D"), None, Some("P90D"), None);
    check(before("P6D"), None, Some("P90D"), too_late("P6D"));
    check(before("P83D"), None, Some("P90D"), None);
    check(before("P84D"), None, Some("P90D"), too_soon("P84D"));
    check(before("P30D"), None, None, Some(PolicyError::NeedsExpiry));
    check(None, before("P1D"), None, None);
    check(None, before("P90D"), Some("P90D"), None);
    check(None, before("P91D"), Some("P90D"), outside("P91D", "P90D"));
    check(None, after("P91D"), Some("P90D"), outside("P91D", "P90D"));
}

#[test]
fn actions_are_due_at_their_second() {
    let policy = RotationPolicy::new(after("P60D"), before("P30D"), Some(duration("P100D"))).unwrap();
    let created = 1_600_000_000;
    let expires = policy.expires(created).unwrap();
    assert_eq!(expires, Some(created + 100 * DAY));
    let check = |policy: &RotationPolicy, expires, at: i64, expected| {
        assert_eq!(due(policy, created, expires, created + at), expected, "{at}");
    };
    check(&policy, expires, 60 * DAY - 1, None);
    check(&policy, expires, 60 * DAY, Some(RotationAction::Rotate));
    check(&policy, expires, 400 * DAY, Some(RotationAction::Rotate));

    let late = RotationPolicy::new(before("P7D"), before("P30D"), Some(duration("P100D"))).unwrap();
    check(&late, expires, 70 * DAY - 1, None);
    check(&late, expires, 70 * DAY, Some(RotationAction::Notify));
    check(&late, expires, 93 * DAY, Some(RotationAction::Rotate));
    check(&late, None, 400 * DAY, None);

    let default = RotationPolicy::default();
    check(&default, expires, 70 * DAY - 1, None);
    check(&default, expires, 70 * DAY, Some(RotationAction::Notify));
    check(&default, None, 70 * DAY, None);
}

#[test]
fn the_json_form_is_the_protocols() {
    let json = br#"{"lifetimeActions":[
        {"trigger":{"timeAfterCreate":"P18M"},"action":{"type":"Rotate"}},
        {"trigger":{"timeBeforeExpiry":"P30D"},"action":{"type":"notify"}}],
        "id":"x","attributes":{"expiryTime":"P2Y","created":1,"updated":2}}"#;
    let policy = RotationPolicy::from_json(json).unwrap();
    assert_eq!(
        policy,
        RotationPolicy::new(after("P18M"), before("P30D"), Some(duration("P2Y"))).unwrap()
    );
    let text = policy.to_json().to_string();
    assert!(
        text.contains(r#"{"action":{"type":"rotate"},"trigger":{"timeAfterCreate":"P18M"}}"#),
        "{text}"
    );
    assert_eq!(RotationPolicy::from_json(text.as_bytes()).unwrap(), policy);
    assert_eq!(
        RotationPolicy::from_json(b"{}").unwrap(),
        RotationPolicy::default()
    );
}

#[test]
fn other_json_is_refused_by_name() {
    let check = |json: &str, words: &str| {
        let error = RotationPolicy::from_json(json.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{error}");
    };
    let actions = |list: &str| format!(r#"{{"lifetimeActions":[{list}]}}"#);
    let rotate = r#"{"trigger":{"timeAfterCreate":"P18M"},"action":{"type":"rotate"}}"#;
    check("", "not readable");
    check("{} x", "not readable");
    check(r#"{"lifetimeaction":[]}"#, "unknown field");
    check(&actions(&rotate.replace("timeAfter", "time")), "unknown field");
    check(&actions(&rotate.replace("rotate", "burn")), "burn");
    check(&actions(&rotate.replace("P18M", "18M")), "18M");
    check(&actions(r#"{"trigger":{},"action":{"type":"rotate"}}"#), "either");
    check(&actions(&format!("{rotate},{rotate}")), "only one rotate");
    check(&" ".repeat(20_000), "20000 bytes");
    check(r#"{"attributes":{"expiryTime":"P1D"}}"#, "28 days");
}

proptest! {
    #[test]
    fn due_is_total_and_never_goes_back(
        created in any::<i64>(), expires in any::<Option<i64>>(), now in any::<i64>(), step in any::<i64>(),
        days in 7_u16..9_999, by_expiry in any::<bool>(),
    ) {
        let days = CalendarDuration::from_days(days);
        let rotate = if by_expiry { Trigger::TimeBeforeExpiry(days) } else { Trigger::TimeAfterCreate(days) };
        let policy = RotationPolicy { rotate: Some(rotate), notify: None, expiry: None };
        let rank = |at| match due(&policy, created, expires, at) {
            None => 0,
            Some(RotationAction::Notify) => 1,
            Some(RotationAction::Rotate) => 2,
        };
        prop_assert!(rank(now) <= rank(now.saturating_add(step.saturating_abs())));
    }

    #[test]
    fn an_accepted_rotation_keeps_its_distance(
        created in 0_i64..4_102_444_800, months in 0_u16..40, days in 0_u16..60, expiry in 1_u16..48,
        late in any::<bool>(),
    ) {
        let Ok(time) = format!("P{months}M{days}D").parse() else { return Ok(()) };
        let trigger = if late { Trigger::TimeBeforeExpiry(time) } else { Trigger::TimeAfterCreate(time) };
        let Ok(policy) = RotationPolicy::new(Some(trigger), None, Some(duration(&format!("P{expiry}M")))) else {
            return Ok(());
        };
        let expires = policy.expires(created).unwrap();
        let at = fires_at(trigger, created, expires).unwrap();
        prop_assert!(at >= created + 7 * DAY && at <= expires.unwrap() - 7 * DAY);
    }
}
