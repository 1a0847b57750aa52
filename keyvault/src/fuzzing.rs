//! What any bytes are as a record of the vault: doors for the fuzz targets, never used by the crate itself.

use strongroom_engine::Timestamp;
use strongroom_engine::codec::encode;
use strongroom_engine::codec::fuzzing::is_record;

use crate::audit::{AuditHead, AuditLine};
use crate::ids::{KeyVersion, ObjectId, TenantId};
use crate::permissions::KeyPermissions;
use crate::records::{
    DueRecord, IdentityKind, IdentityRecord, InstallationRecord, KeyRecord, PolicyRecord, TenantRecord,
    VaultId, VaultRecord, VersionRecord,
};
use crate::state::Life;

/// Decodes `bytes` as each kind of record, and the names in it. True if they are any of them.
///
/// # Panics
/// When an encoding is not stable.
#[must_use]
pub fn is_vault_record(bytes: &[u8]) -> bool {
    let are = [
        is_record::<AuditHead>(bytes),
        is_record::<AuditLine>(bytes),
        is_record::<DueRecord>(bytes),
        is_record::<IdentityRecord>(bytes),
        is_record::<InstallationRecord>(bytes),
        is_record::<KeyRecord>(bytes),
        is_record::<PolicyRecord>(bytes),
        is_record::<TenantRecord>(bytes),
        is_record::<VaultRecord>(bytes),
        is_record::<VersionRecord>(bytes),
    ];
    are.contains(&true)
}

/// One of some kinds of record, by the name of the kind.
#[must_use]
pub fn vault_records() -> Vec<(&'static str, Vec<u8>)> {
    let (vault, object_id, tenant) = (VaultId([1; 16]), ObjectId([2; 16]), TenantId([3; 16]));
    let created = Timestamp::from_unix_seconds(1_583_020_800);
    let deleted = Life::Deleted {
        since: created,
        purge_at: created,
    };
    let key = KeyRecord {
        name: "k".to_owned(),
        current: KeyVersion([4; 16]),
        life: deleted,
        rotation_policy: Some("{}".to_owned()),
        policy_created: Some(created),
        policy_updated: None,
    };
    let kind = IdentityKind::System {
        resource: "accounts/photos".to_owned(),
    };
    let identity = IdentityRecord {
        object_id,
        tenant,
        client_id: [5; 16],
        kind,
        created,
    };
    let due = DueRecord {
        ticks: 7,
        vault,
        vault_name: "safe".to_owned(),
        key: Some("k".to_owned()),
    };
    let records = [
        ("due", encode(&due)),
        ("identity", encode(&identity)),
        ("key", encode(&key)),
        (
            "policy",
            encode(&PolicyRecord {
                object_id,
                keys: KeyPermissions::all(),
            }),
        ),
        ("tenant", encode(&TenantRecord { id: tenant, created })),
    ];
    records
        .into_iter()
        .filter_map(|(kind, bytes)| Some((kind, bytes.ok()?)))
        .collect()
}
