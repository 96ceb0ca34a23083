//! `freeBusy`: when calendars are busy. What is wrong with one calendar is said inside the answer.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::event::{Actor, Event};
use super::refusal::Refusal;
use super::times::parse_zone;
use super::world::{Calendar, World};

/// No query may name more calendars.
const MOST_CALENDARS: usize = 50;

impl World {
    pub(super) fn free_busy(&self, body: &Map<String, Value>) -> Result<Value, Refusal> {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let time = |name: &str| -> Result<DateTime<Utc>, Refusal> {
            let given = text(name).ok_or_else(|| Refusal::required(format!("Missing {name} parameter.")))?;
            given
                .parse()
                .map_err(|_| Refusal::invalid(format!("Invalid value for: {name}")))
        };
        let (from, until) = (time("timeMin")?, time("timeMax")?);
        if from >= until {
            let message = "The specified time range is empty.";
            return Err(Refusal::new(400, "calendar", "timeRangeEmpty", message));
        }
        let zone = parse_zone(text("timeZone").unwrap_or("UTC"), "answer")?;
        let items = body
            .get("items")
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        let most = body
            .get("calendarExpansionMax")
            .and_then(Value::as_u64)
            .unwrap_or(50);
        let most = usize::try_from(most)
            .unwrap_or(MOST_CALENDARS)
            .min(MOST_CALENDARS);
        let show = |at: DateTime<Utc>| at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, true);
        let mut calendars = Map::new();
        for id in items.iter().filter_map(|item| item["id"].as_str()) {
            let answer = if items.len() > most {
                failed("tooManyCalendarsRequested")
            } else if let Ok(calendar) = self.readable(id, Actor::Api) {
                let periods = busy(calendar, from, until).into_iter();
                let periods = periods.map(|(start, end)| json!({"start": show(start), "end": show(end)}));
                json!({"busy": periods.collect::<Vec<_>>()})
            } else {
                failed("notFound")
            };
            calendars.insert(id.to_owned(), answer);
        }
        Ok(json!({
            "kind": "calendar#freeBusy",
            "timeMin": from.to_rfc3339_opts(SecondsFormat::Millis, true),
            "timeMax": until.to_rfc3339_opts(SecondsFormat::Millis, true),
            "calendars": calendars,
        }))
    }
}

fn failed(reason: &str) -> Value {
    json!({"errors": [{"domain": "global", "reason": reason}], "busy": []})
}

/// The times taken by opaque events, cut to the window, those that touch joined.
fn busy(
    calendar: &Calendar,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let mut periods: Vec<_> = calendar
        .occurring(from, until)
        .iter()
        .filter(|event| event.text("transparency") != "transparent")
        .filter_map(|event| period(calendar, event))
        .map(|(start, end)| (start.max(from), end.min(until)))
        .collect();
    periods.sort_unstable();
    let mut joined: Vec<(DateTime<Utc>, DateTime<Utc>)> = Vec::new();
    for (start, end) in periods {
        match joined.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => joined.push((start, end)),
        }
    }
    joined
}

fn period(calendar: &Calendar, event: &Event) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    Some((
        event.time("start")?.instant(calendar.zone),
        event.time("end")?.instant(calendar.zone),
    ))
}
