//! `--pattern`: shell wildcards on a whole path, where `*` also matches `/`, as in `az`.

use globset::{GlobBuilder, GlobMatcher};

use crate::output::error::Failure;

/// Decides which paths take part in a batch; without a pattern all do.
#[derive(Debug)]
pub(crate) struct Pattern(Option<GlobMatcher>);

impl Pattern {
    /// Parses a pattern; one that does not parse is wrong usage.
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, Failure> {
        let matcher = text.map(|text| GlobBuilder::new(text).build().map(|glob| glob.compile_matcher()));
        let matcher = matcher.transpose().map_err(|error| {
            Failure::usage("InvalidArgumentValueError", format!("--pattern: {error}"))
                .hint("Use the wildcards *, ? and [a-z]; * also matches /.")
        })?;
        Ok(Self(matcher))
    }

    /// Whether a path or blob name takes part.
    pub(crate) fn matches(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|matcher| matcher.is_match(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: Option<&str>, name: &str, want: bool) {
        assert_eq!(
            Pattern::parse(pattern).unwrap().matches(name),
            want,
            "{pattern:?} {name}"
        );
    }

    #[test]
    fn a_star_crosses_directories() {
        check(None, "anything", true);
        check(Some("*.txt"), "a/b/c.txt", true);
        check(Some("a/*"), "a/b/c.txt", true);
        check(Some("a/?.txt"), "a/b.txt", true);
        check(Some("*.txt"), "a.txt.gz", false);
        check(Some("logs/[0-9]*"), "logs/x1", false);
    }

    #[test]
    fn a_broken_pattern_is_wrong_usage() {
        assert_eq!(Pattern::parse(Some("[a")).unwrap_err().exit_code(), 2);
    }
}
