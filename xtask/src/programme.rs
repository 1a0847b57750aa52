//! The programme: which tests show which row, and with which numbers.

/// A row of docs/RELIABILITY.md.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) promise: &'static str,
    pub(crate) steps: &'static [Step],
}

/// A test program, or part of one, that counts for a row.
pub(crate) struct Step {
    pub(crate) package: &'static str,
    pub(crate) test: &'static str,
    /// Tests whose names contain this; empty for all.
    pub(crate) filter: &'static str,
    pub(crate) knobs: &'static [Knob],
    /// The variable that takes a seed, if chance plays a part, and how many seeds a full run has.
    pub(crate) seeds: Option<(&'static str, u64)>,
}

/// A number that a test takes from the environment.
pub(crate) struct Knob {
    pub(crate) variable: &'static str,
    pub(crate) quick: u64,
    pub(crate) full: u64,
}

/// A step with one seed.
pub(crate) struct Unit {
    pub(crate) row: &'static Row,
    pub(crate) step: &'static Step,
    pub(crate) seed: Option<u64>,
    pub(crate) full: bool,
}

const fn knob(variable: &'static str, quick: u64, full: u64) -> Knob {
    Knob {
        variable,
        quick,
        full,
    }
}

const fn step(package: &'static str, test: &'static str, filter: &'static str) -> Step {
    Step {
        package,
        test,
        filter,
        knobs: &[],
        seeds: None,
    }
}

/// Every row that is built.
pub(crate) const PROGRAMME: &[Row] = &[
    Row {
        name: "R1",
        promise: "a process that is killed loses nothing it acknowledged",
        steps: &[Step {
            knobs: &[knob("STRONGROOM_KILLS", 15, 700)],
            ..step("strongroom", "kill_nine", "")
        }],
    },
    Row {
        name: "R2",
        promise: "a power cut loses nothing that was acknowledged and leaves nothing half done",
        steps: &[
            Step {
                knobs: &[knob("STRONGROOM_POWER_CUT_IMAGES", 60, 1_500)],
                seeds: Some(("STRONGROOM_POWER_CUT_SEED", 10)),
                ..step("strongroom-engine", "power_cut", "")
            },
            Step {
                knobs: &[
                    knob("STRONGROOM_POWER_CUT_IMAGES", 30, 600),
                    knob("STRONGROOM_POWER_CUT_OPERATIONS", 60, 200),
                ],
                seeds: Some(("STRONGROOM_POWER_CUT_SEED", 10)),
                ..step("strongroom", "store_power_cut", "a_store")
            },
        ],
    },
    Row {
        name: "R3",
        promise: "a sealed record of which one bit, or the length, was changed is refused",
        steps: &[
            step("strongroom-engine", "body_tampering", "every"),
            step("strongroom-engine", "tree_hostile", "every"),
        ],
    },
    Row {
        name: "R4",
        promise: "damage on the disk gives an error, never wrong bytes, a panic or a hang",
        steps: &[Step {
            knobs: &[knob("STRONGROOM_DAMAGED_IMAGES", 50, 500)],
            seeds: Some(("STRONGROOM_DAMAGE_SEED", 10)),
            ..step("strongroom", "damaged_files", "flipped")
        }],
    },
    Row {
        name: "R5",
        promise: "a file that was cut off gives a whole state or an error",
        steps: &[Step {
            knobs: &[knob("STRONGROOM_TRUNCATED_IMAGES", 50, 1_600)],
            seeds: Some(("STRONGROOM_DAMAGE_SEED", 10)),
            ..step("strongroom", "damaged_files", "cut_off")
        }],
    },
    Row {
        name: "R6",
        promise: "whichever call of the engine fails: a clean error, no false acknowledgement, a whole state after reopening",
        steps: &[
            step("strongroom-engine", "tree_faults", ""),
            step("strongroom", "store_faults", ""),
        ],
    },
    Row {
        name: "R11",
        promise: "revoked means refused, for exactly the documented operations, and restored means served",
        steps: &[
            step("strongroom", "revocation_matrix", ""),
            step("strongroom", "scope_revocation", ""),
        ],
    },
];

/// What a run consists of: each step of the wanted rows, once for every seed. A quick run has one seed.
pub(crate) fn units(wanted: impl Fn(&str) -> bool, full: bool) -> Vec<Unit> {
    let rows = PROGRAMME.iter().filter(|row| wanted(row.name));
    let steps = rows.flat_map(|row| row.steps.iter().map(move |step| (row, step)));
    let unit = move |(row, step): (&'static Row, &'static Step)| {
        let seeds = match step.seeds {
            Some((_, seeds)) => (1..=if full { seeds } else { 1 }).map(Some).collect(),
            None => vec![None],
        };
        seeds.into_iter().map(move |seed| Unit {
            row,
            step,
            seed,
            full,
        })
    };
    steps.flat_map(unit).collect()
}

impl Unit {
    /// What tells this unit from all others in a run.
    pub(crate) fn name(&self) -> String {
        let seed = self.seed.map_or(String::new(), |seed| format!(" seed {seed}"));
        let filter = self.step.filter;
        let filter = if filter.is_empty() {
            String::new()
        } else {
            format!(" {filter}")
        };
        format!("{} {}{filter}{seed}", self.row.name, self.step.test)
    }

    /// What the test finds in its environment.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let chosen = |knob: &Knob| if self.full { knob.full } else { knob.quick };
        let knobs = self.step.knobs.iter();
        let mut set: Vec<_> = knobs
            .map(|knob| (knob.variable, chosen(knob).to_string()))
            .collect();
        if let (Some((variable, _)), Some(seed)) = (self.step.seeds, self.seed) {
            set.push((variable, seed.to_string()));
        }
        set
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

    use std::collections::BTreeSet;
    use std::path::Path;

    use super::{PROGRAMME, units};

    #[test]
    fn every_unit_is_named_apart_and_its_test_reads_every_variable() {
        let all = units(|_| true, true);
        let names: BTreeSet<_> = all.iter().map(super::Unit::name).collect();
        assert_eq!(names.len(), all.len());
        for unit in &all {
            let folder = if unit.step.package == "strongroom" {
                "tests"
            } else {
                "storage-engine/tests"
            };
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
            let (file, directory) = (
                root.join(format!("{}.rs", unit.step.test)),
                root.join(unit.step.test).join("main.rs"),
            );
            let text = std::fs::read_to_string(if file.exists() { file } else { directory }).unwrap();
            for (variable, _) in unit.environment() {
                assert!(text.contains(variable), "{}: {variable}", unit.name());
            }
            assert!(text.contains(unit.step.filter), "{}", unit.name());
        }
    }

    #[test]
    fn a_full_run_is_larger_and_a_row_can_be_chosen() {
        let quick = units(|_| true, false);
        assert!(quick.len() < units(|_| true, true).len());
        assert!(quick.len() >= PROGRAMME.len());
        assert!(
            units(|row| row == "R4", false)
                .iter()
                .all(|unit| unit.row.name == "R4")
        );
    }
}
