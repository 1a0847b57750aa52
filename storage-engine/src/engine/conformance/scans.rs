//! Scans: order, bounds, pages.

use super::super::{Engine, KeyRange, Order, ScanOptions, Space};
use super::{bytes, everything, keys, put, scan};

const PAGES: Space = Space::PAGES;
const ORDERS: [Order; 2] = [Order::Ascending, Order::Descending];

fn fill(engine: &dyn Engine) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    for first in [0u8, 1, 0x61, 0xff] {
        for second in [None, Some(0u8), Some(0x61), Some(0xff)] {
            for third in [None, Some(0u8), Some(0xff)] {
                all.push(
                    [Some(first), second, second.and(third)]
                        .into_iter()
                        .flatten()
                        .collect(),
                );
            }
        }
    }
    all.sort();
    all.dedup();
    for (seed, key) in (0u64..).zip(&all) {
        put(engine, PAGES, key, &bytes(seed, 100));
    }
    put(engine, Space::HEADS, b"z", b"the space before");
    put(engine, Space::CHUNKS, b"\0", b"the space after");
    all
}

pub(super) fn ascend_and_descend_in_byte_order(engine: &dyn Engine) {
    let all = fill(engine);
    let mut ranges = vec![
        KeyRange::all(),
        KeyRange::prefix(b"a"),
        KeyRange::prefix(b"\xff"),
        KeyRange::default(),
    ];
    ranges.push(KeyRange::new(b"b", b"a"));
    for start in &all {
        ranges.push(KeyRange {
            start: start.clone(),
            end: None,
        });
        ranges.push(KeyRange::all().before(start));
        ranges.push(KeyRange::new(b"\0\xff", start.clone()));
        ranges.push(KeyRange::prefix(start).after(start));
    }
    for range in ranges {
        let mut expected: Vec<_> = all.iter().filter(|key| range.contains(key)).cloned().collect();
        for order in ORDERS {
            let page = scan(engine, PAGES, &range, everything(order));
            assert_eq!(keys(&page), expected, "{order:?} {range:?}");
            assert_eq!(page.resume_after, None, "{order:?} {range:?} has no more");
            expected.reverse();
        }
    }
}

pub(super) fn pages_end_where_they_should(engine: &dyn Engine) {
    let all = fill(engine);
    for order in ORDERS {
        let options = |limit, max_bytes| ScanOptions {
            order,
            limit,
            max_bytes,
            keys_only: false,
        };
        let check = |options: ScanOptions, count: usize| {
            let page = scan(engine, PAGES, &KeyRange::all(), options);
            assert_eq!(page.entries.len(), count, "{options:?}");
            let last = page.entries.last().map(|(key, _)| key.clone());
            let expected = if count < all.len() { last } else { None };
            assert_eq!(page.resume_after, expected, "{options:?}");
        };
        check(options(1, usize::MAX), 1);
        check(options(7, usize::MAX), 7);
        check(options(all.len() - 1, usize::MAX), all.len() - 1);
        check(options(all.len(), usize::MAX), all.len());
        check(options(usize::MAX, 0), 1);
        check(options(usize::MAX, 250), 3);
        check(options(2, 250), 2);
        let names = ScanOptions {
            keys_only: true,
            ..options(5, usize::MAX)
        };
        let page = scan(engine, PAGES, &KeyRange::all(), names);
        assert!(page.entries.len() == 5 && page.entries.iter().all(|(_, value)| value.is_empty()));
    }
}

pub(super) fn pages_resume_without_gaps(engine: &dyn Engine) {
    let mut expected = fill(engine);
    for order in ORDERS {
        for (limit, keys_only) in [(1, true), (2, false), (7, true), (11, false)] {
            let options = ScanOptions {
                order,
                limit,
                max_bytes: usize::MAX,
                keys_only,
            };
            assert_eq!(walk(engine, KeyRange::all(), options), expected, "{options:?}");
        }
        expected.reverse();
    }
}

pub(super) fn large_values_page_too(engine: &dyn Engine) {
    let lengths = [70_000, 0, 1, 300_000, 4_096, 4_097, 9_000, 1 << 20, 12];
    let mut expected = Vec::new();
    for (number, length) in (0u8..).zip(lengths) {
        put(engine, PAGES, &[b'k', number], &bytes(number.into(), length));
        expected.push(vec![b'k', number]);
    }
    for order in ORDERS {
        for (limit, keys_only) in [(1, false), (3, true), (4, false), (100, true)] {
            let options = ScanOptions {
                order,
                limit,
                max_bytes: usize::MAX,
                keys_only,
            };
            assert_eq!(
                walk(engine, KeyRange::prefix(b"k"), options),
                expected,
                "{options:?}"
            );
        }
        let page = scan(engine, PAGES, &KeyRange::all(), everything(order));
        for (key, value) in &page.entries {
            let seed = key.last().copied().unwrap_or_default();
            let length = lengths.get(usize::from(seed)).copied().unwrap_or_default();
            assert!(*value == bytes(seed.into(), length), "{order:?} {key:?}");
        }
        expected.reverse();
    }
}

fn walk(engine: &dyn Engine, mut range: KeyRange, options: ScanOptions) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    loop {
        let page = scan(engine, PAGES, &range, options);
        assert!(page.entries.len() <= options.limit, "{options:?} gave too many");
        found.extend(keys(&page));
        let Some(last) = page.resume_after else {
            return found;
        };
        range = match options.order {
            Order::Ascending => range.after(&last),
            Order::Descending => range.before(&last),
        };
    }
}
