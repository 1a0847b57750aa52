//! The audit log: one hash chain for each vault name, written in the same commit as what it records.
//!
//! Line n carries SHA-256 (FIPS 180-4) over line n-1's hash and its own record; the head keeps the number of
//! lines and the last hash, so that altered, missing, inserted and cut-off lines all show. A chain outlives
//! its vault: a vault's purge is its last line, and a later vault of the same name goes on with it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strongroom_engine::Timestamp;
use strongroom_engine::codec::{self, Record};
use strongroom_engine::tree::Txn;

use crate::error::VaultError;
use crate::ids::{ObjectId, VaultName};
use crate::rooms::{AUDIT_HEADS, AUDIT_LINES, Read};

macro_rules! operations {
    ($($name:ident,)*) => {
        /// What was done, by the names of Azure's logs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "the names of the protocol say it")]
        #[non_exhaustive]
        pub enum AuditOperation { $($name,)* }

        impl AuditOperation {
            /// The name in the log.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

// The order is on disk: add at the end only.
operations! {
    KeyCreate, KeyGet, KeyImport, KeyDelete, KeySign, KeyVerify, KeyWrap, KeyUnwrap, KeyEncrypt,
    KeyDecrypt,
    KeyUpdate, KeyList, KeyListVersions, KeyPurge, KeyBackup, KeyRestore, KeyRecover,
    KeyGetDeleted,
    KeyListDeleted, KeyRotate,
    KeyRotateIfDue, KeyRotationPolicyGet, KeyRotationPolicySet, VaultGet, VaultPut, VaultPatch, VaultDelete,
    VaultRecover, VaultPurge, VaultAccessPolicyChanged,
    VaultBackup, VaultRestore,
    VaultRollbackAccepted,
}

/// One line of the log. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// When the operation began.
    pub time: Timestamp,
    /// The vault.
    pub resource_id: String,
    /// What was done.
    pub operation: AuditOperation,
    /// Whether it was, and why not.
    pub result: AuditResult,
    /// Milliseconds until the record was made.
    pub duration_ms: u64,
    /// Random for every call.
    pub correlation_id: [u8; 16],
    /// Who asked; `None` when no valid token said so, or when time did it.
    pub object_id: Option<ObjectId>,
    /// The caller's application.
    pub app_id: Option<[u8; 16]>,
    /// What it was done to, for example a key's address.
    pub target: String,
    /// How many more refusals like this one there were in the same epoch; written later, in a line of its
    /// own.
    pub repeats: u64,
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuditResult {
    /// Done.
    Success,
    /// Refused or failed.
    Failed {
        /// The HTTP status.
        status: u16,
        /// The protocol's code.
        code: String,
        /// The message.
        description: String,
    },
}

/// A record with its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLine {
    /// Counted from 0.
    pub sequence: u64,
    /// What happened.
    pub record: AuditRecord,
    /// SHA-256 over the line before and this record.
    pub hash: [u8; 32],
}

/// Where a chain ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuditHead {
    pub(crate) lines: u64,
    pub(crate) hash: [u8; 32],
}

impl Record for AuditRecord {
    const NAME: &'static str = "audit record";
    const VERSION: u8 = 1;
}

impl Record for AuditLine {
    const NAME: &'static str = "audit line";
    const VERSION: u8 = 1;
}

impl Record for AuditHead {
    const NAME: &'static str = "audit head";
    const VERSION: u8 = 1;
}

/// What checking a chain found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditVerdict {
    /// How many lines are whole, counted from the first.
    pub intact: u64,
    /// The first line that is not what the chain says; `None` when all are.
    pub broken: Option<u64>,
}

/// Appends `record` to the chain of `vault`.
pub(crate) fn append(txn: &mut Txn<'_>, vault: &VaultName, record: AuditRecord) -> Result<(), VaultError> {
    let head = AUDIT_HEADS.get(txn, vault)?.unwrap_or_else(genesis);
    let hash = link(&head.hash, head.lines, &record)?;
    let line = AuditLine {
        sequence: head.lines,
        record,
        hash,
    };
    AUDIT_LINES.put(txn, &(vault.clone(), line.sequence), &line)?;
    let lines = head.lines.saturating_add(1);
    AUDIT_HEADS.put(txn, vault, &AuditHead { lines, hash })
}

/// At most `limit` lines of the chain of `vault`, from line `from` on.
pub(crate) fn page(
    read: &impl Read,
    vault: &VaultName,
    from: u64,
    limit: usize,
) -> Result<Vec<AuditLine>, VaultError> {
    let mut range = AUDIT_LINES.under(vault);
    range.start = AUDIT_LINES.key(&(vault.clone(), from));
    AUDIT_LINES.page(read, &range, limit)
}

/// Walks the chain of `vault` from its first line to its head.
pub(crate) fn verify(read: &impl Read, vault: &VaultName) -> Result<AuditVerdict, VaultError> {
    let head = AUDIT_HEADS.get(read, vault)?.unwrap_or_else(genesis);
    let mut at = genesis();
    while at.lines < head.lines {
        // A line that does not even decode is a broken line, not a failed check.
        let line = AUDIT_LINES.get(read, &(vault.clone(), at.lines)).ok().flatten();
        match line.map(|line| follow(&at, &line)).transpose()?.flatten() {
            Some(next) => at = next,
            None => break,
        }
    }
    let whole = at == head && page(read, vault, head.lines, 1).is_ok_and(|beyond| beyond.is_empty());
    Ok(AuditVerdict {
        intact: at.lines,
        broken: (!whole).then_some(at.lines),
    })
}

/// The head after `line`, if it is the line that follows `at`.
fn follow(at: &AuditHead, line: &AuditLine) -> Result<Option<AuditHead>, VaultError> {
    let hash = link(&at.hash, at.lines, &line.record)?;
    Ok(
        (line.sequence == at.lines && line.hash == hash).then(|| AuditHead {
            lines: at.lines.saturating_add(1),
            hash,
        }),
    )
}

fn link(previous: &[u8; 32], sequence: u64, record: &AuditRecord) -> Result<[u8; 32], VaultError> {
    let mut hasher = Sha256::new();
    hasher.update(DOMAIN);
    hasher.update(previous);
    hasher.update(sequence.to_be_bytes());
    hasher.update(codec::encode(record)?);
    Ok(hasher.finalize().into())
}

fn genesis() -> AuditHead {
    AuditHead {
        lines: 0,
        hash: [0; 32],
    }
}

const DOMAIN: &[u8] = b"strongroom/v1/audit";

#[cfg(test)]
mod tests;
