//! What people do in Google Calendar.

use chrono::{DateTime, Days, TimeDelta, TimeZone, Utc};
use proptest::sample::Index;
use serde_json::{Value, json};

use crate::callers::{shown_time, slot};
use crate::checks::{agreed_on, shown};
use crate::ledger::{Fate, Field, Ledger};
use crate::plan::{Act, Write};
use crate::world::{ELSEWHERE, Ours, World, ZONE};

/// The patient of every appointment, and the title of one that has none.
pub(crate) const PATIENT: &str = "A. Khan";

/// One deed to one of our events, or to one of the person's own; `number` is new with each, and makes its values new.
pub(crate) async fn act(world: &World, ledger: &mut Ledger, which: Index, act: &Act, number: u32) {
    match act {
        Act::AddOwn => return add_own(world, ledger, number),
        Act::EditOwn => return edit_own(world, ledger, which, number),
        _ => {}
    }
    let ours = world.ours().await;
    if ours.is_empty() {
        return;
    }
    let one = which.get(&ours);
    let events = world.events();
    let Some(event) = events.iter().find(|event| event["id"] == one.event_id) else {
        return;
    };
    if event["status"] == "cancelled" {
        if matches!(act, Act::DeleteOrRestore) && !ledger.away.contains(&one.event_id) {
            restore(world, ledger, one);
        }
        return;
    }
    match act {
        Act::DeleteOrRestore => delete(world, ledger, one),
        Act::MoveToOtherCalendar => move_away(world, ledger, one),
        Act::Duplicate => duplicate(world, ledger, one),
        Act::MakeRecurring => {
            let patch = json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"]});
            write(world, ledger, one, &patch, None);
        }
        Act::EditFooter => write(world, ledger, one, &inside_the_footer(event), None),
        edit => {
            let title = ledger.account(&one.appointment).first_title().map(str::to_owned);
            // Writing what is there already is no edit.
            if let Some((field, patch, value)) = edited(edit, event, title.as_deref(), number)
                && shown(event, field) != value
            {
                write(world, ledger, one, &patch, Some((field, value)));
            }
        }
    }
}

/// The patch of an edit, and the field's value in the ledger's words.
fn edited(
    act: &Act,
    event: &Value,
    first_title: Option<&str>,
    number: u32,
) -> Option<(Field, Value, String)> {
    let text = |field: &str, write: &Write| match write {
        Write::New => format!("person's {field} {number}"),
        Write::Clear => String::new(),
    };
    let (start, end) = slot(number);
    Some(match act {
        Act::Title(Write::Clear) => (Field::Title, json!({"summary": ""}), PATIENT.to_owned()),
        Act::Title(write) => {
            let title = text("title", write);
            (Field::Title, json!({"summary": title}), title)
        }
        Act::TakeTitleBack => {
            let title = first_title?.to_owned();
            (Field::Title, json!({"summary": title}), title)
        }
        Act::Location(write) => {
            let location = text("location", write);
            (Field::Location, json!({"location": location}), location)
        }
        Act::Notes(write) => {
            let notes = text("notes", write);
            let description = event["description"].as_str().unwrap_or_default();
            let footer = description.find("--- Patient");
            let footer = footer.map_or("", |at| &description[at..]);
            let patch = json!({"description": format!("{notes}\n\n{footer}")});
            (Field::Notes, patch, notes)
        }
        Act::AllDay => all_day(number),
        Act::MoveOnto => {
            let (start, end) = slot(number.saturating_sub(1));
            moved(start, end + TimeDelta::minutes(number.into()))
        }
        _ => moved(start, end),
    })
}

fn all_day(number: u32) -> (Field, Value, String) {
    let first = ZONE.with_ymd_and_hms(2028, 1, 1, 0, 0, 0).unwrap() + Days::new(number.into());
    let end = first + Days::new(1);
    let date = |at: DateTime<chrono_tz::Tz>| json!({"date": at.format("%Y-%m-%d").to_string(), "dateTime": null, "timeZone": null});
    let patch = json!({"start": date(first), "end": date(end)});
    (Field::Time, patch, shown_time(first.to_utc(), end.to_utc()))
}

fn moved(start: DateTime<Utc>, end: DateTime<Utc>) -> (Field, Value, String) {
    let time = |at: DateTime<Utc>| json!({"dateTime": at.with_timezone(&ZONE).to_rfc3339(), "timeZone": ZONE.name(), "date": null});
    let patch = json!({"start": time(start), "end": time(end)});
    (Field::Time, patch, shown_time(start, end))
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
    let once_deleted = ledger.deleted.contains(&one.event_id);
    let account = ledger.account(&one.appointment);
    let lasting = one.status != "cancelled" && !once_deleted && !account.is_doomed();
    account.person_touched(&one.event_id);
    if one.current && one.known_gone {
        account.touched_once_restored();
    }
    if let Some((field, value)) = wrote {
        let binding = lasting && !agreed_on(&one.agreed, field, &value);
        account.person_wrote(&one.event_id, field, &value, binding);
    }
}

fn inside_the_footer(event: &Value) -> Value {
    let description = event["description"].as_str().unwrap_or_default();
    json!({"description": description.replace("Name: ", "Name: not ")})
}

fn delete(world: &World, ledger: &mut Ledger, one: &Ours) {
    let done = world
        .google
        .person()
        .delete(&world.calendar, &one.event_id)
        .is_ok();
    take_out(ledger, one, "deletes", done, Fate::Deleted);
}

/// To this calendar, that is a deletion. Its event cannot be asked when that was, so callers' changes that wait may be
/// younger.
fn move_away(world: &World, ledger: &mut Ledger, one: &Ours) {
    let person = world.google.person();
    let moved = person.move_to_calendar(&world.calendar, &one.event_id, ELSEWHERE);
    ledger.away.insert(one.event_id.clone());
    let fate = if one.settled { Fate::Deleted } else { Fate::Unclear };
    take_out(ledger, one, "moves to another calendar", moved.is_ok(), fate);
}

fn take_out(ledger: &mut Ledger, one: &Ours, deed: &str, done: bool, fate: Fate) {
    ledger.tell(format!(
        "person {deed} {} (of {}, {}, current {}): {done}",
        one.event_id, one.appointment, one.status, one.current
    ));
    if done {
        let once_deleted = !ledger.deleted.insert(one.event_id.clone());
        let account = ledger.account(&one.appointment);
        match (one.current, one.status.as_str()) {
            (true, "cancelled") => account.fate(Fate::Unclear),
            (true, _) if once_deleted && account.may_be_left_behind() => account.fate(Fate::Unclear),
            (true, _) => account.fate(fate),
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

fn add_own(world: &World, ledger: &mut Ledger, number: u32) {
    let (start, end) = slot(number);
    let lunch = json!({"summary": "Lunch", "start": {"dateTime": start}, "end": {"dateTime": end}});
    if let Ok(event) = world.google.person().add(&world.calendar, &lunch) {
        ledger.tell("person adds an event of their own");
        own(ledger, &event);
    }
}

fn edit_own(world: &World, ledger: &mut Ledger, which: Index, number: u32) {
    let ids: Vec<_> = ledger.own.keys().cloned().collect();
    if ids.is_empty() {
        return;
    }
    let (id, title) = (which.get(&ids), format!("Lunch {number}"));
    if let Ok(event) = world.google.person().retitle(&world.calendar, id, &title) {
        ledger.tell("person edits an event of their own");
        own(ledger, &event);
    }
}

fn own(ledger: &mut Ledger, event: &Value) {
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    ledger.own.insert(text("id"), text("etag"));
}
