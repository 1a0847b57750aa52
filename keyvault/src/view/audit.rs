//! A line of the audit log with the member names of Azure's logs.

use serde::Serialize;

use crate::audit::{AuditLine, AuditResult};
use crate::ids::ObjectId;

/// One line of the audit log.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditView {
    /// Counted from 0.
    pub sequence: u64,
    /// When the operation began.
    pub time: String,
    /// The vault.
    pub resource_id: String,
    /// What was done.
    pub operation_name: &'static str,
    /// The version of the vault's protocol.
    pub operation_version: &'static str,
    /// Always `AuditEvent`.
    pub category: &'static str,
    /// `Success` or `Failed`.
    pub result_type: &'static str,
    /// `OK` or the code of the refusal.
    pub result_signature: String,
    /// The message of the refusal.
    pub result_description: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Always `local`: the vault is embedded.
    pub caller_ip_address: &'static str,
    /// Random for every call.
    pub correlation_id: String,
    /// Who asked.
    pub identity: IdentityClaimView,
    /// What it was done to.
    pub properties: AuditPropertiesView,
    /// How many more refusals like this one there were in the same epoch.
    pub repeats: u64,
    /// SHA-256 over the line before and this one, hexadecimal.
    pub hash: String,
}

/// Who asked.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct IdentityClaimView {
    /// What the token said.
    pub claim: ClaimView,
}

/// What the caller's token said.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ClaimView {
    /// The object id; `null` when no valid token said so.
    pub objectidentifier: Option<String>,
    /// Always `null`: principals have no sign-in names here.
    pub upn: Option<String>,
    /// The application id.
    pub appid: Option<String>,
}

/// What it was done to.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuditPropertiesView {
    /// What the caller runs in.
    pub client_info: &'static str,
    /// The address as it was asked for.
    pub request_uri: String,
    /// The address of the object.
    pub id: String,
    /// The status of the protocol.
    pub http_status_code: u16,
}

impl From<&AuditLine> for AuditView {
    fn from(line: &AuditLine) -> Self {
        let record = &line.record;
        let (result_type, signature, description, status) = match &record.result {
            AuditResult::Success => ("Success", "OK", "", 200),
            AuditResult::Failed {
                status,
                code,
                description,
            } => ("Failed", code.as_str(), description.as_str(), *status),
        };
        let guid = |id: [u8; 16]| ObjectId(id).to_string();
        Self {
            sequence: line.sequence,
            time: record.time.to_string(),
            resource_id: record.resource_id.clone(),
            operation_name: record.operation.as_str(),
            operation_version: "7.4",
            category: "AuditEvent",
            result_type,
            result_signature: signature.to_owned(),
            result_description: description.to_owned(),
            duration_ms: record.duration_ms,
            caller_ip_address: "local",
            correlation_id: guid(record.correlation_id),
            identity: IdentityClaimView {
                claim: ClaimView {
                    objectidentifier: record.object_id.map(|id| id.to_string()),
                    upn: None,
                    appid: record.app_id.map(guid),
                },
            },
            properties: AuditPropertiesView {
                client_info: "strongroom",
                request_uri: record.target.clone(),
                id: record.target.clone(),
                http_status_code: status,
            },
            repeats: record.repeats,
            hash: hex::encode(line.hash),
        }
    }
}
