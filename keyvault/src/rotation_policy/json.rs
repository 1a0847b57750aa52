//! The JSON form of a rotation policy.
//!
//! Unknown members are refused, because a misspelt trigger that is ignored would be a key that is never
//! rotated. The read-only members that a vault sends (`id`, `created`, `updated`) are accepted and ignored.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{PolicyError, RotationAction, RotationPolicy, Trigger};
use crate::duration::DurationError;
use crate::error::VaultError;

/// The longest policy document in bytes; a full one has about 300.
const MAX_BYTES: usize = 16 * 1024;

/// Why a document is no rotation policy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyJsonError {
    /// An action other than rotate and notify.
    #[error("action type {found:?} is unknown; use rotate or notify")]
    Action {
        /// The type as it came in, cut to 40 characters.
        found: String,
    },
    /// A duration that is none.
    #[error(transparent)]
    Duration(#[from] DurationError),
    /// Two actions of one type.
    #[error("there may be only one {} action; remove the others", name(*.action))]
    Repeated {
        /// The type that came twice.
        action: RotationAction,
    },
    /// A rule of the policy is broken.
    #[error(transparent)]
    Rule(#[from] PolicyError),
    /// No JSON of the right shape.
    #[error("the rotation policy is not readable: {0}")]
    Shape(#[source] serde_json::Error),
    /// Longer than any policy.
    #[error("the rotation policy has {found} bytes, at most {MAX_BYTES} are read")]
    TooLong {
        /// The length in bytes.
        found: usize,
    },
    /// A trigger with no time or with two.
    #[error("a trigger has either timeAfterCreate or timeBeforeExpiry")]
    Trigger,
}

impl From<PolicyJsonError> for VaultError {
    fn from(error: PolicyJsonError) -> Self {
        Self::bad_parameter(error.to_string())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    #[serde(rename = "id")]
    _id: Option<IgnoredAny>,
    #[serde(default)]
    lifetime_actions: Vec<LifetimeAction>,
    #[serde(default)]
    attributes: Attributes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LifetimeAction {
    trigger: Times,
    action: Action,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Times {
    time_after_create: Option<String>,
    time_before_expiry: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Action {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Attributes {
    expiry_time: Option<String>,
    #[serde(rename = "created")]
    _created: Option<IgnoredAny>,
    #[serde(rename = "updated")]
    _updated: Option<IgnoredAny>,
}

impl RotationPolicy {
    /// Reads the JSON form. Action types are matched whatever their case.
    ///
    /// # Errors
    /// A [`PolicyJsonError`] that names the member or the rule.
    pub fn from_json(json: &[u8]) -> Result<Self, PolicyJsonError> {
        if json.len() > MAX_BYTES {
            return Err(PolicyJsonError::TooLong { found: json.len() });
        }
        let document: Document = serde_json::from_slice(json).map_err(PolicyJsonError::Shape)?;
        let (mut rotate, mut notify) = (None, None);
        for entry in &document.lifetime_actions {
            let action = action(&entry.action.kind)?;
            let place = match action {
                RotationAction::Notify => &mut notify,
                RotationAction::Rotate => &mut rotate,
            };
            if place.replace(trigger(&entry.trigger)?).is_some() {
                return Err(PolicyJsonError::Repeated { action });
            }
        }
        let expiry = document
            .attributes
            .expiry_time
            .map(|text| text.parse())
            .transpose()?;
        Ok(Self::new(rotate, notify, expiry)?)
    }

    /// The JSON form, with the default notification written out.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        self.document(Some(self.notify()))
    }

    /// The JSON form to store: a notification only where one was set. The default one need not fit into a
    /// short lifetime, so written out it could not be read back.
    pub(crate) fn to_stored_json(&self) -> serde_json::Value {
        self.document(self.notify)
    }

    fn document(&self, notify: Option<Trigger>) -> serde_json::Value {
        let rotate = self
            .rotate()
            .map(|trigger| entry(RotationAction::Rotate, trigger));
        let notify = notify.map(|trigger| entry(RotationAction::Notify, trigger));
        let attributes = self.expiry().map_or_else(
            || serde_json::json!({}),
            |expiry| serde_json::json!({ "expiryTime": expiry.to_string() }),
        );
        serde_json::json!({
            "lifetimeActions": rotate.into_iter().chain(notify).collect::<Vec<_>>(),
            "attributes": attributes,
        })
    }
}

fn entry(action: RotationAction, trigger: Trigger) -> serde_json::Value {
    let trigger = match trigger {
        Trigger::TimeAfterCreate(time) => serde_json::json!({ "timeAfterCreate": time.to_string() }),
        Trigger::TimeBeforeExpiry(time) => serde_json::json!({ "timeBeforeExpiry": time.to_string() }),
    };
    serde_json::json!({ "trigger": trigger, "action": { "type": name(action) } })
}

fn name(action: RotationAction) -> &'static str {
    match action {
        RotationAction::Notify => "notify",
        RotationAction::Rotate => "rotate",
    }
}

fn action(text: &str) -> Result<RotationAction, PolicyJsonError> {
    [RotationAction::Notify, RotationAction::Rotate]
        .into_iter()
        .find(|action| text.eq_ignore_ascii_case(name(*action)))
        .ok_or_else(|| PolicyJsonError::Action {
            found: text.chars().take(40).collect(),
        })
}

fn trigger(times: &Times) -> Result<Trigger, PolicyJsonError> {
    match (&times.time_after_create, &times.time_before_expiry) {
        (Some(time), None) => Ok(Trigger::TimeAfterCreate(time.parse()?)),
        (None, Some(time)) => Ok(Trigger::TimeBeforeExpiry(time.parse()?)),
        _ => Err(PolicyJsonError::Trigger),
    }
}
