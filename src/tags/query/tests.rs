//! What the language takes and refuses, what queries find, and that printing is the inverse of parsing.

use proptest::prelude::*;

use super::*;

fn tags(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(own).collect()
}

#[test]
fn searches_are_taken_or_refused() {
    for text in [
        "a='1'",
        "a = '1' and \"b c\" > '2'",
        "(a = '1') AND ((b <= ''))",
        "a > '1' AND a < '5'",
        "@container = 'c' AND a >= '1'",
        "\"it\"\"s\" = 'it''s'",
        " 9 = '' ",
    ] {
        let query: TagQuery = text.parse().unwrap();
        assert_eq!(query.to_string().parse::<TagQuery>().unwrap(), query, "{text}");
    }
    let eleven: Vec<_> = (0..11).map(|index| format!("t{index} = ''")).collect();
    let deep = format!("{}a = ''{}", "(".repeat(17), ")".repeat(17));
    let long = format!("a = '{}'", "x".repeat(8 << 10));
    for text in [
        "",
        "a",
        "a =",
        "a = 1",
        "a = 'x",
        "\"a = 'x'",
        "= 'x'",
        "'a' = 'x'",
        "a = 'x' b = 'y'",
        "a = 'x' AND",
        "a = 'x' OR b = 'y'",
        "a <> 'x'",
        "a = 'x' AND a = 'y'",
        "a > 'x' AND a = 'y'",
        "@container > 'c'",
        "@blob = 'c'",
        "(a = 'x'",
        "a = 'x')",
        "a-b = 'x'",
        "a ! 'x'",
        "ä = 'x'",
        &eleven.join(" AND "),
        &deep,
        &long,
    ] {
        let error = text.parse::<TagQuery>().unwrap_err();
        assert_eq!(
            (error.code(), error.status()),
            ("InvalidQueryParameterValue", 400),
            "{text}"
        );
    }
}

#[test]
fn conditions_also_know_or_and_unequal_but_no_container() {
    for text in [
        "a <> 'x' or b = 'y'",
        "a = 'x' AND a = 'y'",
        "a = '1' OR (b = '2' AND (c = '3' OR d = '4'))",
    ] {
        let condition: TagCondition = text.parse().unwrap();
        assert_eq!(
            condition.to_string().parse::<TagCondition>().unwrap(),
            condition,
            "{text}"
        );
    }
    let error = "@container = 'c'".parse::<TagCondition>().unwrap_err();
    assert_eq!((error.code(), error.status()), ("InvalidHeaderValue", 400));
}

#[test]
fn and_binds_tighter_and_values_compare_as_text() {
    let tags = tags(&[("a", "1"), ("b", "10"), ("C", "x")]);
    for (text, want) in [
        ("a = '1' OR a = '2' AND b = 'none'", true),
        ("(a = '1' OR a = '2') AND b = 'none'", false),
        ("b < '9'", true),
        ("b >= '10' AND b <= '10'", true),
        ("b > '10' OR b < '10'", false),
        ("c = 'x'", false),
        ("C = 'X'", false),
        ("C <> 'X'", true),
        ("missing <> 'x'", false),
        ("missing >= ''", false),
    ] {
        let condition: TagCondition = text.parse().unwrap();
        assert_eq!(condition.holds(&tags), want, "{text}");
    }
}

#[test]
fn a_search_knows_the_container_and_the_tags_it_names() {
    let tags = tags(&[("a", "1"), ("b", "2"), ("c", "3")]);
    let query: TagQuery = "@container = 'here' AND a = '1' AND c > '2'".parse().unwrap();
    assert!(query.holds("here", &tags) && !query.holds("there", &tags));
    assert_eq!(query.container(), Some("here"));
    let named: Vec<_> = query.named(&tags).map(|(name, _)| name.as_str()).collect();
    assert_eq!(named, ["a", "c"]);
}

fn comparison() -> impl Strategy<Value = Expression> {
    use Comparison::*;
    let any = prop::sample::select(vec![Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual]);
    let name = prop_oneof!["[a-c]", "[\"' \\PC]{1,6}"];
    (name, any, "\\PC{0,6}")
        .prop_map(|(name, comparison, value)| Expression::Compare(Subject::Tag(name), comparison, value))
}

/// Trees in the form the parser gives them, of at most 10 comparisons.
fn tree() -> impl Strategy<Value = Expression> {
    let all = || prop::collection::vec(comparison(), 2..4).prop_map(Expression::All);
    let any_in_all = prop::collection::vec(comparison(), 2..3).prop_map(Expression::Any);
    prop_oneof![
        comparison(),
        all(),
        (comparison(), all()).prop_map(|(one, all)| Expression::Any(vec![one, all])),
        (comparison(), any_in_all).prop_map(|(one, any)| Expression::All(vec![any, one])),
    ]
}

proptest! {
    #[test]
    fn what_is_printed_is_parsed_to_the_same_tree(tree in tree()) {
        let condition = TagCondition(tree);
        prop_assert_eq!(condition.to_string().parse::<TagCondition>().unwrap(), condition);
    }

    #[test]
    fn any_text_is_a_query_or_an_error(text in "[ab'\"()=<>@ ORAND\\PC]{0,60}") {
        for printed in [
            text.parse::<TagQuery>().map(|query| query.to_string()),
            text.parse::<TagCondition>().map(|condition| condition.to_string()),
        ].into_iter().flatten() {
            prop_assert!(printed.parse::<TagCondition>().is_ok() || printed.contains("@container"));
        }
    }
}
