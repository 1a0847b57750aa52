//! Parsers of option values: each accepts exactly what `az` accepts for that option.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use strongroom::{AccessTier, RehydratePriority, Timestamp};

/// A key and a value of `--metadata` or `--tags`.
pub(crate) type Pair = (String, String);

/// Parses `true|false|yes|no|1|0` in any case; a bare option means `true`.
pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "1" => Ok(true),
        "false" | "f" | "no" | "n" | "0" => Ok(false),
        _ => Err(format!("'{text}' is neither true nor false")),
    }
}

/// Parses `KEY=VALUE`; the value may be empty and may contain `=`.
pub(crate) fn pair(text: &str) -> Result<Pair, String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("'{text}' is not of the form KEY=VALUE")),
    }
}

/// Parses a UTC time: RFC 3339, or `az`'s `YYYY-MM-DDTHH:MM[:SS]Z`, or a date alone.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    let civil = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    let shown = || {
        let at = civil.parse::<DateTime>().ok()?;
        TimeZone::UTC.to_timestamp(at).ok()?.to_string().parse().ok()
    };
    text.parse()
        .ok()
        .or_else(shown)
        .ok_or_else(|| format!("'{text}' is not a UTC time such as 2030-12-31T23:59:59Z"))
}

/// Parses `--tier`.
pub(crate) fn tier(text: &str) -> Result<AccessTier, String> {
    text.parse()
        .map_err(|_| format!("'{text}' is no tier: Hot, Cool, Cold and Archive are those of block blobs"))
}

/// Parses `--rehydrate-priority`.
pub(crate) fn priority(text: &str) -> Result<RehydratePriority, String> {
    text.parse()
        .map_err(|_| format!("'{text}' is neither Standard nor High"))
}

/// A page size of a listing: a number, or `*` for everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumResults {
    /// At most this many.
    AtMost(u64),
    /// Everything.
    All,
}

/// Parses `--num-results`.
pub(crate) fn num_results(text: &str) -> Result<NumResults, String> {
    match text {
        "*" => Ok(NumResults::All),
        _ => match text.parse() {
            Ok(0) | Err(_) => Err(format!("'{text}' is neither a positive number nor *")),
            Ok(number) => Ok(NumResults::AtMost(number)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_bool(text: &str, want: Option<bool>) {
        assert_eq!(boolean(text).ok(), want, "{text}");
    }

    #[test]
    fn booleans_take_both_forms() {
        check_bool("true", Some(true));
        check_bool("FALSE", Some(false));
        check_bool("1", Some(true));
        check_bool("maybe", None);
        check_bool("", None);
    }

    #[test]
    fn pairs_keep_everything_after_the_first_equals_sign() {
        assert_eq!(pair("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert_eq!(pair("a="), Ok(("a".into(), String::new())));
        assert!(pair("=b").is_err());
        assert!(pair("ab").is_err());
    }

    #[test]
    fn times_are_utc() {
        let want: Timestamp = "2030-12-31T23:59:00Z".parse().unwrap();
        for text in [
            "2030-12-31T23:59Z",
            "2030-12-31T23:59:00Z",
            "2030-12-31T23:59",
            "2031-01-01T00:59:00+01:00",
        ] {
            assert_eq!(time(text), Ok(want), "{text}");
        }
        assert_eq!(time("2030-12-31"), Ok("2030-12-31T00:00:00Z".parse().unwrap()));
        assert!(time("tomorrow").is_err());
    }

    #[test]
    fn page_sizes_are_positive_or_a_star() {
        assert_eq!(num_results("*"), Ok(NumResults::All));
        assert_eq!(num_results("12"), Ok(NumResults::AtMost(12)));
        assert!(num_results("0").is_err());
        assert!(num_results("-1").is_err());
    }
}
