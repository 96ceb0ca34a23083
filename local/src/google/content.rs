//! The fields of an event that a writer decides: what Google accepts, corrects and refuses.

use serde_json::{Map, Value, json};

use super::event::{Actor, Writing};
use super::recurrence::Recurrence;
use super::refusal::Refusal;
use super::times::{self, EventTime, Moment};

/// Google decides these; what a writer sends for them is passed over.
const READ_ONLY: [&str; 18] = [
    "kind",
    "etag",
    "id",
    "iCalUID",
    "sequence",
    "created",
    "updated",
    "htmlLink",
    "creator",
    "organizer",
    "eventType",
    "recurringEventId",
    "originalStartTime",
    "attendeesOmitted",
    "hangoutLink",
    "locked",
    "privateCopy",
    "endTimeUnspecified",
];

/// Longest key and value of an extended property, in characters.
const PROPERTY_KEY: usize = 44;
const PROPERTY_VALUE: usize = 1024;

pub(super) fn is_read_only(name: &str) -> bool {
    READ_ONLY.contains(&name)
}

/// The fields of a body that a writer decides, with what is `null` left out.
pub(super) fn writable(body: &Map<String, Value>) -> Map<String, Value> {
    let mut content = Map::new();
    merge(&mut content, &changeable(body));
    content
}

/// The fields of a patch that a writer decides, `null` meaning to clear.
pub(super) fn changeable(patch: &Map<String, Value>) -> Map<String, Value> {
    patch
        .iter()
        .filter(|(name, _)| !is_read_only(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Merge patch, RFC 7396.
pub(super) fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match value {
            Value::Null => {
                target.remove(name);
            }
            Value::Object(inner) => {
                let slot = target.entry(name.as_str()).or_insert_with(|| json!({}));
                if !slot.is_object() {
                    *slot = json!({});
                }
                if let Some(fields) = slot.as_object_mut() {
                    merge(fields, inner);
                }
            }
            _ => {
                target.insert(name.clone(), value.clone());
            }
        }
    }
}

/// Refuses what Google refuses, and brings the rest into the shape in which Google keeps it.
///
/// `before` is what the event held; none for a new one.
pub(super) fn check(
    content: &mut Map<String, Value>,
    before: Option<&Map<String, Value>>,
    writing: &Writing,
) -> Result<(), Refusal> {
    check_choice(content, "status", &["confirmed", "tentative", "cancelled"])?;
    check_choice(content, "transparency", &["opaque", "transparent"])?;
    check_choice(
        content,
        "visibility",
        &["default", "public", "private", "confidential"],
    )?;
    content.entry("status").or_insert_with(|| json!("confirmed"));
    check_times(content, writing)?;
    check_attendees(content, before, writing)?;
    check_reminders(content)?;
    trim_properties(content);
    drop_defaults(content);
    Ok(())
}

fn check_choice(content: &Map<String, Value>, name: &str, choices: &[&str]) -> Result<(), Refusal> {
    match content.get(name).and_then(Value::as_str) {
        Some(value) if !choices.contains(&value) => {
            Err(Refusal::invalid(format!("Invalid value for: {name}")))
        }
        _ => Ok(()),
    }
}

fn check_times(content: &mut Map<String, Value>, writing: &Writing) -> Result<(), Refusal> {
    let mut start = EventTime::parse(content.get("start"), "start")?;
    let mut end = EventTime::parse(content.get("end"), "end")?;
    times::length(&start, &end)?;
    if writing.by == Actor::Person {
        // Google Calendar's own pages always send a zone.
        start.zone.get_or_insert(writing.zone);
        end.zone.get_or_insert(writing.zone);
    }
    if content
        .get("recurrence")
        .is_some_and(|lines| lines.as_array().is_some_and(Vec::is_empty))
    {
        content.remove("recurrence");
    }
    if let Some(lines) = content.get("recurrence") {
        for (time, which) in [(&start, "start"), (&end, "end")] {
            if matches!(time.moment, Moment::Instant(_)) && time.zone.is_none() {
                let message = format!("Missing time zone definition for {which} time.");
                return Err(Refusal::required(message));
            }
        }
        Recurrence::parse(lines, start, writing.zone)?;
    }
    content.insert("start".into(), start.render(start.zone.unwrap_or(writing.zone)));
    content.insert("end".into(), end.render(end.zone.unwrap_or(writing.zone)));
    Ok(())
}

/// A service account invites nobody; guests that a person invited may stay.
fn check_attendees(
    content: &mut Map<String, Value>,
    before: Option<&Map<String, Value>>,
    writing: &Writing,
) -> Result<(), Refusal> {
    let Some(guests) = content.get("attendees") else {
        return Ok(());
    };
    if guests.as_array().is_some_and(Vec::is_empty) {
        content.remove("attendees");
        return Ok(());
    }
    if writing.by == Actor::Api && before.and_then(|before| before.get("attendees")) != Some(guests) {
        let message = "Service accounts cannot invite attendees without Domain-Wide Delegation of Authority.";
        return Err(Refusal::new(
            403,
            "calendar",
            "forbiddenForServiceAccounts",
            message,
        ));
    }
    Ok(())
}

fn check_reminders(content: &mut Map<String, Value>) -> Result<(), Refusal> {
    let reminders = content
        .entry("reminders")
        .or_insert_with(|| json!({"useDefault": true}));
    let overrides = reminders["overrides"]
        .as_array()
        .is_some_and(|list| !list.is_empty());
    if overrides && reminders["useDefault"] == true {
        let message = "Cannot specify both default reminders and overrides at the same time.";
        return Err(Refusal::new(
            400,
            "calendar",
            "cannotUseDefaultRemindersAndSpecifyOverride",
            message,
        ));
    }
    if reminders["useDefault"].is_null() {
        reminders["useDefault"] = json!(false);
    }
    Ok(())
}

/// Google drops a property with a long key and cuts a long value, without a word.
fn trim_properties(content: &mut Map<String, Value>) {
    let Some(kinds) = content
        .get_mut("extendedProperties")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    for properties in kinds.values_mut().filter_map(Value::as_object_mut) {
        properties.retain(|key, _| key.chars().count() <= PROPERTY_KEY);
        for value in properties.values_mut() {
            if let Some(text) = value
                .as_str()
                .filter(|text| text.chars().count() > PROPERTY_VALUE)
            {
                *value = json!(text.chars().take(PROPERTY_VALUE).collect::<String>());
            }
        }
    }
    kinds.retain(|_, properties| properties.as_object().is_some_and(|fields| !fields.is_empty()));
    if kinds.is_empty() {
        content.remove("extendedProperties");
    }
}

/// Google leaves out of its answers what is empty or as by default.
fn drop_defaults(content: &mut Map<String, Value>) {
    content.retain(|name, value| match name.as_str() {
        "transparency" => value != "opaque",
        "visibility" => value != "default",
        "summary" | "description" | "location" => value != "",
        _ => true,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writing(by: Actor) -> Writing<'static> {
        let now = "2026-11-01T00:00:00Z".parse().unwrap();
        Writing {
            by,
            email: "a@example.com",
            calendar_id: "c@example.com",
            zone: chrono_tz::Asia::Karachi,
            now,
        }
    }

    fn checked(body: &Value) -> Result<Map<String, Value>, String> {
        let mut content = writable(body.as_object().unwrap());
        check(&mut content, None, &writing(Actor::Api)).map_err(|refusal| refusal.reason)?;
        Ok(content)
    }

    fn timed(mut body: Value) -> Value {
        body["start"] = json!({"dateTime": "2026-12-01T09:00:00+05:00"});
        body["end"] = json!({"dateTime": "2026-12-01T09:30:00+05:00"});
        body
    }

    #[test]
    fn defaults_and_read_only_fields_are_not_kept() {
        let content = checked(&timed(
            json!({"summary": "", "transparency": "opaque", "etag": "x"}),
        ))
        .unwrap();
        let kept: Vec<_> = content.keys().map(String::as_str).collect();
        assert_eq!(kept, ["end", "reminders", "start", "status"]);
    }

    #[test]
    fn what_google_refuses_is_refused_for_its_reason() {
        let recurring = json!({"recurrence": ["RRULE:FREQ=DAILY"]});
        let both =
            json!({"reminders": {"useDefault": true, "overrides": [{"method": "popup", "minutes": 5}]}});
        for (body, reason) in [
            (json!({"start": {"date": "2026-12-01"}}), "required"),
            (timed(json!({"status": "maybe"})), "invalid"),
            (
                timed(json!({"attendees": [{"email": "b@example.com"}]})),
                "forbiddenForServiceAccounts",
            ),
            (timed(recurring), "required"),
            (timed(both), "cannotUseDefaultRemindersAndSpecifyOverride"),
        ] {
            assert_eq!(checked(&body).unwrap_err(), reason, "{body}");
        }
    }

    #[test]
    fn a_merge_patch_clears_and_reaches_into_objects() {
        let mut target = json!({"location": "2", "extendedProperties": {"private": {"a": "1", "b": "2"}}});
        let patch = json!({"location": null, "extendedProperties": {"private": {"a": null}}});
        merge(target.as_object_mut().unwrap(), patch.as_object().unwrap());
        assert_eq!(target, json!({"extendedProperties": {"private": {"b": "2"}}}));
    }

    #[test]
    fn long_properties_are_cut_without_a_word() {
        let long = "x".repeat(2000);
        let properties = json!({"extendedProperties": {"private": {"k".repeat(45): "v", "note": long}}});
        let content = checked(&timed(properties)).unwrap();
        let private = content["extendedProperties"]["private"].as_object().unwrap();
        assert_eq!(private.len(), 1);
        assert_eq!(private["note"].as_str().unwrap().len(), PROPERTY_VALUE);
    }
}
