//! What a tour did and measured: the end of its JSON, and the source of its tables.

use serde::Serialize;

use super::story::size;

/// The result of a tour.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// Account that was created and is still there.
    pub(crate) account: String,
    /// Vault that was created and is still there.
    pub(crate) vault: String,
    /// Files stored.
    pub(crate) files: u64,
    /// Bytes in those files.
    pub(crate) bytes: u64,
    /// Files that came back with the SHA-256 they were stored with.
    pub(crate) verified: u64,
    /// Files met on the way that cannot be stored, with the reason.
    pub(crate) left_out: Vec<String>,
    /// Every change of the key that protects the account, in order.
    pub(crate) rotations: Vec<Rotation>,
    /// Operations that were refused while access was revoked.
    pub(crate) refused: Vec<Refusal>,
    /// Operations that went on while access was revoked, whatever the cause.
    pub(crate) allowed: Vec<String>,
    /// Operations that did not behave as documented while access was revoked: none.
    pub(crate) surprises: Vec<String>,
}

/// One change of the key that protects the account's root key, with what it cost.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rotation {
    /// What was changed.
    pub(crate) step: String,
    /// Bytes of content under the key at that moment.
    pub(crate) stored_bytes: u64,
    /// Bytes handed to the engine.
    pub(crate) bytes_written: u64,
    /// Bytes handed to the chunk store: content rewritten. Always 0.
    pub(crate) chunk_bytes_written: u64,
    /// Times the engine made its writes durable.
    pub(crate) syncs: u64,
    /// How long it took, in microseconds.
    pub(crate) microseconds: u64,
}

impl Rotation {
    /// Headings of the table of rotations.
    pub(crate) const HEADINGS: [&str; 6] =
        ["Step", "Stored", "Written", "Content rewritten", "Syncs", "Time"];

    /// What is not as documented: content that was rewritten, and changes that did not cost the same.
    pub(crate) fn surprises(rotations: &[Self]) -> Vec<String> {
        let mut surprises = Vec::new();
        let rewritten: u64 = rotations
            .iter()
            .map(|rotation| rotation.chunk_bytes_written)
            .sum();
        if rewritten > 0 {
            surprises.push(format!("rotations rewrote {} of content", size(rewritten)));
        }
        let mut written: Vec<_> = rotations.iter().map(|rotation| rotation.bytes_written).collect();
        written.sort_unstable();
        if let (Some(least), Some(most)) = (written.first(), written.last())
            && least != most
        {
            surprises.push(format!(
                "rotations wrote from {least} to {most} bytes, not the same"
            ));
        }
        let syncs = rotations.iter().map(|rotation| rotation.syncs).max();
        surprises.extend(
            syncs
                .filter(|syncs| *syncs > 2)
                .map(|syncs| format!("a rotation took {syncs} syncs")),
        );
        surprises
    }

    /// One row of it.
    pub(crate) fn row(&self) -> Vec<String> {
        vec![
            self.step.clone(),
            size(self.stored_bytes),
            size(self.bytes_written),
            size(self.chunk_bytes_written),
            self.syncs.to_string(),
            format!(
                "{}.{} ms",
                self.microseconds / 1000,
                self.microseconds % 1000 / 100
            ),
        ]
    }
}

/// One refused operation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refusal {
    /// The operation.
    pub(crate) operation: String,
    /// The code it was refused with.
    pub(crate) code: String,
    /// How access had been revoked.
    pub(crate) cause: String,
}

impl Report {
    /// Whether every file came back and every operation behaved as documented.
    pub(crate) fn is_good(&self) -> bool {
        self.verified == self.files && self.surprises.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(costs: [(u64, u64, u64); 2], surprises: usize) {
        let rotations = costs.map(|(bytes_written, chunk_bytes_written, syncs)| Rotation {
            step: "rotate".to_owned(),
            stored_bytes: 1,
            bytes_written,
            chunk_bytes_written,
            syncs,
            microseconds: 1,
        });
        let found = Rotation::surprises(&rotations);
        assert_eq!(found.len(), surprises, "{found:?}");
    }

    #[test]
    fn a_rotation_that_costs_more_than_another_is_a_surprise() {
        check([(1500, 0, 1), (1500, 0, 2)], 0);
        check([(1500, 0, 1), (1501, 0, 1)], 1);
        check([(1500, 1, 1), (1500, 0, 3)], 2);
    }
}
