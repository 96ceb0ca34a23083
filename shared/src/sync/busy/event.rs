//! What is kept of an event.

use serde::{Deserialize, Serialize};

use crate::google::{Event, EventTime, EventType, Transparency};

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BusyEvent {
    /// Its id.
    pub(crate) event_id: String,
    /// What it is an exception to.
    pub(crate) replaces: Option<Occurrence>,
    /// When it takes place; `None` for an exception that takes no time.
    pub(crate) times: Option<Times>,
}

/// One occurrence of a series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Occurrence {
    /// The id of the series.
    pub(crate) series_id: String,
    /// When it would start by the rule.
    pub(crate) start: EventTime,
}

/// When an event takes place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Times {
    pub(super) start: EventTime,
    pub(super) end: EventTime,
    /// The lines of a series.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) recurrence: Vec<String>,
    /// The first occurrence is an appointment.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) first_is_ours: bool,
}

impl BusyEvent {
    /// What is to be kept of a live event; `ours`: it is an appointment's.
    pub(super) fn of(event: &Event, ours: bool) -> Option<Self> {
        let takes_time = event.transparency == Transparency::Opaque
            && event.event_type != EventType::WorkingLocation
            && !event.declined;
        let counts = takes_time && (!ours || !event.recurrence.is_empty());
        let times = counts.then(|| Times {
            start: event.start.clone(),
            end: event.end.clone(),
            recurrence: event.recurrence.clone(),
            first_is_ours: ours,
        });
        let replaces = Occurrence::of(
            event.recurring_event_id.as_ref(),
            event.original_start_time.as_ref(),
        );
        (times.is_some() || replaces.is_some()).then(|| Self {
            event_id: event.id.clone(),
            replaces,
            times,
        })
    }
}

impl Occurrence {
    /// The occurrence that Google names, if it names one.
    pub(crate) fn of(series_id: Option<&String>, start: Option<&EventTime>) -> Option<Self> {
        Some(Self {
            series_id: series_id?.clone(),
            start: start?.clone(),
        })
    }
}
