//! What people do in Google Calendar.

use chrono::{Days, TimeZone};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use crate::callers::{shown_time, slot};
use crate::ledger::{Fate, Field, Ledger};
use crate::world::{Ours, World, ZONE};

/// One deed, drawn at random; `number` is new with each, and makes its values new.
pub(crate) async fn act(world: &World, ledger: &mut Ledger, random: &mut StdRng, number: u32) {
    let ours = world.ours().await;
    if ours.is_empty() || random.random_bool(0.1) {
        return mind_their_own(world, ledger, random, number);
    }
    let one = &ours[random.random_range(0..ours.len())];
    let Some(event) = world
        .events()
        .into_iter()
        .find(|event| event["id"] == one.event_id)
    else {
        return;
    };
    let in_bin = event["status"] == "cancelled";
    match random.random_range(0..20) {
        0..=2 if !in_bin => delete(world, ledger, one),
        0..=5 if in_bin => restore(world, ledger, one),
        3 if !in_bin => duplicate(world, ledger, one),
        _ if in_bin => {}
        4 => write(world, ledger, one, &recurring(), None),
        5 => write(world, ledger, one, &below_the_footer(&event), None),
        kind => edit(world, ledger, random, one, (&event, kind, number)),
    }
}

fn edit(world: &World, ledger: &mut Ledger, random: &mut StdRng, one: &Ours, what: (&Value, i32, u32)) {
    let (event, kind, number) = what;
    match kind {
        6..=8 => {
            let title = format!("person's title {number}");
            write(
                world,
                ledger,
                one,
                &json!({"summary": title}),
                Some((Field::Title, title)),
            );
        }
        9 | 10 => {
            let location = format!("person's location {number}");
            write(
                world,
                ledger,
                one,
                &json!({"location": location}),
                Some((Field::Location, location)),
            );
        }
        11..=13 => {
            let notes = format!("person's notes {number}");
            let description = event["description"].as_str().unwrap_or_default();
            let footer = description
                .find("--- Patient")
                .map_or("", |at| &description[at..]);
            let patch = json!({"description": format!("{notes}\n\n{footer}")});
            write(world, ledger, one, &patch, Some((Field::Notes, notes)));
        }
        14 => {
            let first = ZONE.with_ymd_and_hms(2028, 1, 1, 0, 0, 0).unwrap() + Days::new(number.into());
            let end = first + Days::new(1);
            let date = |at: chrono::DateTime<chrono_tz::Tz>| json!({"date": at.format("%Y-%m-%d").to_string(), "dateTime": null, "timeZone": null});
            let time = shown_time(first.to_utc(), end.to_utc());
            let patch = json!({"start": date(first), "end": date(end)});
            write(world, ledger, one, &patch, Some((Field::Time, time)));
        }
        _ => {
            let (mut start, mut end) = slot(number);
            if random.random_bool(0.15) {
                // Onto whatever was put here a moment ago.
                (start, end) = slot(number.saturating_sub(1));
                end += chrono::TimeDelta::minutes(i64::from(number));
            }
            let time = |at: chrono::DateTime<chrono::Utc>| json!({"dateTime": at.with_timezone(&ZONE).to_rfc3339(), "timeZone": ZONE.name(), "date": null});
            let patch = json!({"start": time(start), "end": time(end)});
            write(
                world,
                ledger,
                one,
                &patch,
                Some((Field::Time, shown_time(start, end))),
            );
        }
    }
}

fn write(world: &World, ledger: &mut Ledger, one: &Ours, patch: &Value, wrote: Option<(Field, String)>) {
    let done = world.google.person().edit(&world.calendar, &one.event_id, patch);
    ledger.tell(format!(
        "person: {} (of {}, {}, current {}) {patch}: {}",
        one.event_id,
        one.appointment,
        one.status,
        one.current,
        done.is_ok()
    ));
    if done.is_err() {
        return;
    }
    let binding = one.status != "cancelled" && !ledger.deleted.contains(&one.event_id);
    let account = ledger.account(&one.appointment);
    account.person_touched(&one.event_id);
    if let Some((field, value)) = wrote {
        account.person_wrote(&one.event_id, field, &value, binding);
    }
}

fn recurring() -> Value {
    json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"]})
}

fn below_the_footer(event: &Value) -> Value {
    json!({"description": format!("{}\nbelow", event["description"].as_str().unwrap_or_default())})
}

fn delete(world: &World, ledger: &mut Ledger, one: &Ours) {
    let done = world.google.person().delete(&world.calendar, &one.event_id);
    ledger.tell(format!(
        "person deletes {} (of {}, {}, current {}): {}",
        one.event_id,
        one.appointment,
        one.status,
        one.current,
        done.is_ok()
    ));
    if done.is_ok() {
        ledger.deleted.insert(one.event_id.clone());
        let account = ledger.account(&one.appointment);
        match (one.current, one.status.as_str()) {
            (true, "cancelled") => account.fate(Fate::Unclear),
            (true, _) => account.fate(Fate::Deleted),
            (false, _) => account.unbind(),
        }
    }
}

fn restore(world: &World, ledger: &mut Ledger, one: &Ours) {
    let done = world.google.person().restore(&world.calendar, &one.event_id);
    ledger.tell(format!(
        "person restores {} (of {}, {}, current {}, known gone {}): {}",
        one.event_id,
        one.appointment,
        one.status,
        one.current,
        one.known_gone,
        done.is_ok()
    ));
    if done.is_ok() {
        let brings_back = one.current && one.status == "cancelled" && one.known_gone;
        // A restoration of what is no longer the appointment's event decides nothing.
        if brings_back {
            ledger.account(&one.appointment).fate(Fate::Restored);
        } else if one.current {
            ledger.account(&one.appointment).fate(Fate::Unclear);
        }
        ledger.account(&one.appointment).person_touched(&one.event_id);
        ledger.deleted.insert(one.event_id.clone());
    }
}

/// A copy of our event carries our properties, and is the person's own all the same.
fn duplicate(world: &World, ledger: &mut Ledger, one: &Ours) {
    if let Ok(copy) = world.google.person().duplicate(&world.calendar, &one.event_id) {
        ledger.tell(format!("person duplicates {}", one.event_id));
        own(ledger, &copy);
    }
}

fn mind_their_own(world: &World, ledger: &mut Ledger, random: &mut StdRng, number: u32) {
    let person = world.google.person();
    let ids: Vec<_> = ledger.own.keys().cloned().collect();
    let event = if ids.is_empty() || random.random_bool(0.5) {
        let (start, end) = slot(number);
        person.add(
            &world.calendar,
            &json!({"summary": "Lunch", "start": {"dateTime": start}, "end": {"dateTime": end}}),
        )
    } else {
        let id = &ids[random.random_range(0..ids.len())];
        person.retitle(&world.calendar, id, &format!("Lunch {number}"))
    };
    if let Ok(event) = event {
        ledger.tell("person minds an event of their own");
        own(ledger, &event);
    }
}

fn own(ledger: &mut Ledger, event: &Value) {
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    ledger.own.insert(text("id"), text("etag"));
}
