//! Times as `az` prints them: ISO 8601 with whole seconds and the offset of UTC.

use strongroom_engine::Timestamp;

pub(super) fn iso(time: Timestamp) -> String {
    let text = time.whole_seconds().to_string();
    let seconds = text.split_once('.').map_or(text.as_str(), |(seconds, _)| seconds);
    format!("{seconds}+00:00")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_whole_seconds_in_utc() {
        let time = Timestamp::from_ticks(15_762_693_835_000_000);
        assert_eq!(iso(time), "2019-12-13T20:36:23+00:00");
    }
}
