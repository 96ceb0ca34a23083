//! What a listing asks of the events it shows.

use chrono::{DateTime, SubsecRound, Utc};
use serde_json::Value;

use super::discovery::Call;
use super::event::Event;
use super::refusal::Refusal;
use super::world::Calendar;

pub(super) struct Filter {
    /// `timeMin`: the event ends after it.
    pub(super) from: Option<DateTime<Utc>>,
    /// `timeMax`: the event starts before it.
    pub(super) until: Option<DateTime<Utc>>,
    /// `updatedMin`: the event was changed then or later.
    pub(super) updated_since: Option<DateTime<Utc>>,
    ical_uid: Option<String>,
    /// `q`, in lower case.
    words: Vec<String>,
    /// `private` or `shared`, name and value.
    properties: Vec<(&'static str, String, String)>,
    event_types: Vec<String>,
}

impl Filter {
    pub(super) fn of(call: &Call) -> Result<Self, Refusal> {
        let time = |name: &str| -> Option<DateTime<Utc>> { call.parameter(name)?.parse().ok() };
        let bound = |name: &str| time(name).map(|at| at.trunc_subsecs(0));
        let mut properties = Vec::new();
        let kinds = [
            ("privateExtendedProperty", "private"),
            ("sharedExtendedProperty", "shared"),
        ];
        for (parameter, kind) in kinds {
            for constraint in call.parameters(parameter) {
                let (name, value) = constraint.split_once('=').ok_or_else(|| {
                    Refusal::invalid_parameter(parameter, format!("Invalid value '{constraint}'."))
                })?;
                properties.push((kind, name.to_owned(), value.to_owned()));
            }
        }
        let filter = Self {
            from: bound("timeMin"),
            until: bound("timeMax"),
            updated_since: time("updatedMin"),
            ical_uid: call.parameter("iCalUID").map(str::to_owned),
            words: call
                .parameter("q")
                .unwrap_or_default()
                .to_lowercase()
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            properties,
            event_types: call.parameters("eventTypes").to_vec(),
        };
        if let (Some(from), Some(until)) = (filter.from, filter.until)
            && from >= until
        {
            let message = "The specified time range is empty.";
            return Err(Refusal::new(400, "calendar", "timeRangeEmpty", message).at("parameter", "timeMax"));
        }
        Ok(filter)
    }

    pub(super) fn accepts(&self, calendar: &Calendar, event: &Event) -> bool {
        let bounded = self.from.is_some() || self.until.is_some();
        let updated = || event.text("updated").parse::<DateTime<Utc>>().ok();
        let text = ["summary", "description", "location"].map(|name| event.text(name).to_lowercase());
        let property = |(kind, name, value): &(&str, String, String)| {
            let properties = event.content.get("extendedProperties").unwrap_or(&Value::Null);
            properties[kind][name] == **value
        };
        (!bounded || calendar.overlaps(event, self.from, self.until))
            && self
                .updated_since
                .is_none_or(|since| updated().is_some_and(|at| at >= since))
            && self
                .ical_uid
                .as_ref()
                .is_none_or(|uid| event.text("iCalUID") == uid)
            && self
                .words
                .iter()
                .all(|word| text.iter().any(|text| text.contains(word)))
            && self.properties.iter().all(property)
            && (self.event_types.is_empty()
                || self
                    .event_types
                    .iter()
                    .any(|kind| kind == event.text("eventType")))
    }
}
