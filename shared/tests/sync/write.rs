//! The three writes of a push, each due alone.

use serde_json::json;
use shared::appointment::Appointment;

use crate::clinic::{Clinic, changed};

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Write {
    /// Of an appointment just booked.
    Insert,
    /// Of its title, to `Ours`.
    Patch,
    /// Of a cancelled appointment's event.
    Delete,
}

impl Write {
    pub(crate) const ALL: [Self; 3] = [Self::Insert, Self::Patch, Self::Delete];

    /// Google's name of the call.
    pub(crate) fn call(self) -> &'static str {
        match self {
            Self::Insert => "events.insert",
            Self::Patch => "events.patch",
            Self::Delete => "events.delete",
        }
    }

    /// What only the statement that stores its outcome contains.
    pub(crate) fn record(self) -> &'static str {
        match self {
            Self::Insert | Self::Patch => "set seen = 'live', etag",
            Self::Delete => "seen = case when seen = 'never'",
        }
    }

    /// An appointment of which just this is due.
    pub(crate) async fn due(self, clinic: &Clinic) -> Appointment {
        let appointment = clinic.book("2027-03-01T09:00:00+05:00").await;
        if self != Self::Insert {
            clinic.tick().await;
        }
        match self {
            Self::Insert => appointment,
            Self::Patch => changed(clinic.patch(appointment.id, json!({"title": "Ours"})).await),
            Self::Delete => clinic.cancel(appointment.id).await,
        }
    }
}
