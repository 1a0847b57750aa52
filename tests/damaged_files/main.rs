//! Damage to the files of a closed store gives an error, or does not show: never wrong bytes, a mix, a
//! panic or a hang.
//!
//! Every image is a copy of one store in which something was changed: bytes flipped, a page of 4 KiB zeroed
//! or filled with garbage, a file cut off. What can still be read must be exactly what the last operation
//! left: a store that has lost its newest commits is refused, though its engine takes the damage for the
//! end of its log. Where something cannot be read, a scrub must name it. `STRONGROOM_DAMAGED_IMAGES` and
//! `STRONGROOM_TRUNCATED_IMAGES` set the numbers of images for each engine and placement of bodies,
//! `STRONGROOM_DAMAGE_SEED` the seed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test harness fails by panicking and reports by printing"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../store_power_cut/found.rs"]
mod found;
mod image;
#[path = "../../storage-engine/tests/power_cut/random.rs"]
#[allow(dead_code, reason = "made for several tests")]
mod random;
#[path = "../store_power_cut/state.rs"]
mod state;
#[path = "../../storage-engine/tests/common/tally.rs"]
mod tally;
#[path = "../store_power_cut/workload.rs"]
#[allow(dead_code, reason = "made for several tests")]
mod workload;

use std::collections::BTreeMap;
use std::path::Path;

use strongroom::{EngineKind, Placement};

use crate::image::{Damage, Original, Seen};
use crate::random::Random;
use crate::workload::Workload;

const OPERATIONS: u64 = 60;

/// Every engine and placement.
const STORES: &[(EngineKind, Placement)] = &[
    (EngineKind::Sled, Placement::Engine),
    (EngineKind::Sled, Placement::Files),
    #[cfg(feature = "fjall")]
    (EngineKind::Fjall, Placement::Engine),
    #[cfg(feature = "fjall")]
    (EngineKind::Fjall, Placement::Files),
];

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn flipped_bytes_and_damaged_pages() {
    let images = setting("STRONGROOM_DAMAGED_IMAGES", 50);
    for &store in STORES {
        check("R4", store, images, |original, random| {
            let file = original.any_file(random, |_| true);
            let at = random.below(file.length);
            let damage = match random.below(3) {
                0 => Damage::Flip { at },
                1 => Damage::Zeros { page: at / 4096 },
                _ => Damage::Garbage {
                    page: at / 4096,
                    seed: random.next(),
                },
            };
            (file.path.clone(), damage)
        });
    }
}

#[test]
fn files_that_were_cut_off() {
    let images = setting("STRONGROOM_TRUNCATED_IMAGES", 50);
    for &store in STORES {
        check("R5", store, images, |original, random| {
            let engine = random.chance(80);
            let file = original.any_file(random, |path| path.starts_with("data/engine") == engine);
            // Most of what an engine loses is lost at the end.
            let lost = if random.chance(70) {
                file.length.min(16 << 10)
            } else {
                file.length
            };
            let length = file.length - 1 - random.below(lost);
            (file.path.clone(), Damage::Cut { length })
        });
    }
}

/// The test of the test: bytes that are changed with the checksum and the authentication in their favour
/// show.
#[test]
fn wrong_bytes_are_seen() {
    let original = Original::make(workload(STORES[0]));
    let image = original.copy();
    let other = Workload {
        seed: original.workload.seed + 1,
        ..original.workload
    };
    other.run(image.path(), OPERATIONS + 1);
    let seen = original.look(image.path());
    assert!(matches!(seen, Seen::Wrong(_)), "{seen:?}");
}

fn workload((engine, placement): (EngineKind, Placement)) -> Workload {
    Workload {
        engine,
        placement,
        seed: setting("STRONGROOM_DAMAGE_SEED", 1),
        operations: OPERATIONS,
    }
}

fn check(
    row: &str,
    store: (EngineKind, Placement),
    images: u64,
    choose: impl Fn(&Original, &mut Random) -> (std::path::PathBuf, Damage),
) {
    let original = Original::make(workload(store));
    let mut random = Random(original.workload.seed.wrapping_add(277));
    let (mut seen, mut failures) = (BTreeMap::<&str, u64>::new(), Vec::new());
    for number in 0..images {
        let image = original.copy();
        let (file, damage) = choose(&original, &mut random);
        damage.apply(&image.path().join(&file));
        let found = original.look(image.path());
        *seen.entry(found.name()).or_default() += 1;
        if let Seen::Wrong(what) = found {
            failures.push(format!("image {number}, {damage:?} of {}: {what}", shown(&file)));
        }
    }
    let counts: Vec<_> = [("images", images)].into_iter().chain(seen.clone()).collect();
    tally::tally(row, &original.workload.name(), &counts, failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(seen.get("whole") != Some(&images), "no damage showed: {seen:?}");
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
