//! A refusal in Google's words, and the envelope that carries it.

use serde_json::{Value, json};

/// Why the Calendar API refuses a call: one entry of Google's `errors` list and its HTTP status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status} {reason}: {message}")]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// Google's broad category, such as `global`, `calendar` or `usageLimits`.
    pub domain: &'static str,
    /// Google's stable code for the reason, such as `notFound`.
    pub reason: String,
    /// For people.
    pub message: String,
    /// The parameter or header at fault: its kind (`parameter`, `header`) and its name.
    pub location: Option<(&'static str, String)>,
}

impl Refusal {
    pub(super) fn new(
        status: u16,
        domain: &'static str,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            domain,
            reason: reason.into(),
            message: message.into(),
            location: None,
        }
    }

    pub(super) fn at(mut self, kind: &'static str, name: impl Into<String>) -> Self {
        self.location = Some((kind, name.into()));
        self
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "global", "invalid", message)
    }

    pub(super) fn required(message: impl Into<String>) -> Self {
        Self::new(400, "global", "required", message)
    }

    pub(super) fn invalid_parameter(name: &str, message: impl Into<String>) -> Self {
        Self::new(400, "global", "invalidParameter", message).at("parameter", name)
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, "global", "notFound", "Not Found")
    }

    pub(super) fn deleted() -> Self {
        Self::new(410, "global", "deleted", "Resource has been deleted")
    }

    pub(super) fn duplicate() -> Self {
        Self::new(
            409,
            "global",
            "duplicate",
            "The requested identifier already exists.",
        )
    }

    pub(super) fn condition_not_met() -> Self {
        Self::new(412, "global", "conditionNotMet", "Precondition Failed").at("header", "If-Match")
    }

    pub(super) fn unauthorized(reason: &str, message: &str) -> Self {
        Self::new(401, "global", reason, message).at("header", "Authorization")
    }

    pub(super) fn full_sync_required() -> Self {
        let message = "Sync token is no longer valid, a full sync is required.";
        Self::new(410, "calendar", "fullSyncRequired", message).at("parameter", "syncToken")
    }

    pub(super) fn needs_writer() -> Self {
        let message = "You need to have writer access to this calendar.";
        Self::new(403, "calendar", "requiredAccessLevel", message)
    }

    /// The body that Google sends with this refusal.
    #[must_use]
    pub fn envelope(&self) -> Value {
        let mut entry = json!({"domain": self.domain, "reason": self.reason, "message": self.message});
        if let Some((kind, name)) = &self.location {
            entry["locationType"] = json!(kind);
            entry["location"] = json!(name);
        }
        json!({"error": {"errors": [entry], "code": self.status, "message": self.message}})
    }
}
