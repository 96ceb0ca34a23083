//! The module's table, row by row.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::ChangeWord::{Cancelled, Restored, Updated};
use super::Seen::{Gone, Live};
use super::Wanted::{Absent, Present};
use super::{AppointmentState, ChangeWord, EventState, Seen, Sighting, State, Wanted};
use crate::appointment::Status;
use crate::google::Event;
use crate::sync::content::tests::facts;
use crate::sync::content::{Content, Facts};
use crate::sync::merge::{Changed, Changes};

const ZONE: chrono_tz::Tz = chrono_tz::Asia::Karachi;
const APPOINTMENT: Uuid = Uuid::from_u128(7);

fn at(minute: u32) -> DateTime<Utc> {
    format!("2026-11-23T10:{minute:02}:00Z").parse().unwrap()
}

/// An event that shows the appointment's version 3, seen at minute 10.
fn event(id: &str) -> EventState {
    EventState {
        event_id: id.into(),
        appointment_id: APPOINTMENT,
        wanted: Present,
        wanted_version: 3,
        pushed_version: Some(3),
        seen: Live,
        etag: Some("\"1\"".into()),
        seen_at: Some(at(10)),
        agreed: Some(facts().content(None)),
        agreed_version: Some(3),
        sent: None,
        strays: Vec::new(),
        caller_changed_at: None,
    }
}

/// An event that does not show version 3 yet.
fn unwritten(id: &str) -> EventState {
    EventState {
        pushed_version: Some(2),
        caller_changed_at: Some(at(20)),
        ..event(id)
    }
}

/// An event that was deleted, as it should be.
fn deleted(id: &str) -> EventState {
    EventState {
        wanted: Absent,
        seen: Gone,
        etag: None,
        ..event(id)
    }
}

/// An event whose deletion is still to be written.
fn doomed(id: &str) -> EventState {
    EventState {
        wanted: Absent,
        ..unwritten(id)
    }
}

/// Version 3 of an appointment whose event is `new`, with its location changed by a caller at minute 20.
fn state(status: Status, events: impl IntoIterator<Item = EventState>) -> State {
    let appointment = AppointmentState {
        id: APPOINTMENT,
        version: 3,
        status,
        event_id: "new".into(),
        facts: facts(),
        changes: Changes {
            facts: HashMap::from([(
                "location".into(),
                Changed {
                    version: 3,
                    at: at(20),
                },
            )]),
            booked: at(0),
        },
        change: None,
        moved: false,
    };
    State {
        events: events
            .into_iter()
            .map(|event| (event.event_id.clone(), event))
            .collect(),
        appointments: HashMap::from([(APPOINTMENT, appointment)]),
        last_pull_at: Some(at(5)),
        touched: Vec::new(),
    }
}

/// Google shows the event with these facts, changed at this minute.
fn live(id: &str, etag: &str, shown: &Facts, minute: u32) -> Sighting {
    let Content {
        title,
        description,
        location,
        ..
    } = shown.content(None);
    let event: Event = serde_json::from_value(json!({
        "id": id, "etag": etag, "updated": at(minute), "summary": title, "description": description,
        "location": location, "start": {"dateTime": shown.starts_at, "timeZone": shown.time_zone},
        "end": {"dateTime": shown.ends_at, "timeZone": shown.time_zone},
    }))
    .unwrap();
    Sighting::Live(Box::new(event))
}

fn gone(id: &str, minute: Option<u32>) -> Sighting {
    Sighting::Gone {
        event_id: id.into(),
        at: minute.map(at),
    }
}

fn retitled(title: &str) -> Facts {
    Facts {
        title: Some(title.into()),
        ..facts()
    }
}

fn in_room(room: &str) -> Facts {
    Facts {
        location: Some(room.into()),
        ..facts()
    }
}

fn appointment(state: &State) -> &AppointmentState {
    &state.appointments[&APPOINTMENT]
}

/// What the sightings made of the appointment: the change, its status and its version.
fn change(state: &State) -> (Option<ChangeWord>, Status, i64) {
    let one = appointment(state);
    (one.change, one.status, one.version)
}

/// What is wanted and known of an event, and whether it is [`SETTLED`] or a write of it is [`DUE`].
fn standing(state: &State, id: &str) -> (Wanted, Seen, bool) {
    let event = &state.events[id];
    (event.wanted, event.seen, event.is_settled())
}

const SETTLED: bool = true;
const DUE: bool = false;

#[test]
fn an_etag_that_we_know_is_an_echo() {
    let mut state = state(Status::Scheduled, [event("new")]);
    state.see(&live("new", "\"1\"", &retitled("Theirs"), 30), at(40), ZONE);
    assert_eq!(state.touched, Vec::<String>::new());
    assert_eq!(appointment(&state).facts, facts());
}

#[test]
fn an_edit_is_merged_and_leaves_nothing_to_write() {
    let mut state = state(Status::Scheduled, [event("new")]);
    state.see(&live("new", "\"2\"", &retitled("Theirs"), 30), at(40), ZONE);
    assert_eq!(change(&state), (Some(Updated), Status::Scheduled, 4));
    assert_eq!(standing(&state, "new"), (Present, Live, SETTLED));
    assert_eq!(appointment(&state).facts, retitled("Theirs"));
    assert_eq!(state.events["new"].etag.as_deref(), Some("\"2\""));
}

#[test]
fn an_edit_beside_a_change_of_ours_leaves_ours_to_be_written() {
    let mut state = state(Status::Scheduled, [unwritten("new")]);
    state.appointments.get_mut(&APPOINTMENT).unwrap().facts = in_room("Room 1");
    state.see(&live("new", "\"2\"", &retitled("Theirs"), 30), at(40), ZONE);
    assert_eq!(change(&state), (Some(Updated), Status::Scheduled, 4));
    assert_eq!(standing(&state, "new"), (Present, Live, DUE));
    let merged = Facts {
        location: Some("Room 1".into()),
        ..retitled("Theirs")
    };
    assert_eq!(appointment(&state).facts, merged);
}

#[test]
fn what_callers_changed_since_google_was_asked_counts_as_changed_since() {
    // A caller sets a location and takes it back at minute 20; Google was asked before, and knew of neither.
    let known = EventState {
        agreed_version: Some(1),
        ..event("new")
    };
    let mut state = state(Status::Scheduled, [known]);
    state.see(&live("new", "\"2\"", &retitled("Theirs"), 15), at(18), ZONE);
    assert_eq!(appointment(&state).facts, retitled("Theirs"));
    // A person's edit of the location that was made before the caller's.
    let theirs = Facts {
        title: Some("Theirs".into()),
        ..in_room("Room 9")
    };
    state.see(&live("new", "\"3\"", &theirs, 19), at(40), ZONE);
    assert_eq!(appointment(&state).facts, retitled("Theirs"));
    assert_eq!(standing(&state, "new"), (Present, Live, DUE));
}

#[test]
fn a_deletion_cancels() {
    let mut state = state(Status::Scheduled, [event("new")]);
    state.see(&gone("new", Some(15)), at(40), ZONE);
    assert_eq!(change(&state), (Some(Cancelled), Status::Cancelled, 4));
    assert_eq!(standing(&state, "new"), (Absent, Gone, SETTLED));
}

#[test]
fn a_deletion_before_a_later_change_of_ours_leads_to_a_new_event() {
    for (deleted_at, back) in [(Some(15), true), (Some(25), false), (None, true)] {
        let mut state = state(Status::Scheduled, [unwritten("new")]);
        state.see(&gone("new", deleted_at), at(40), ZONE);
        let one = appointment(&state);
        assert_eq!(one.event_id != "new", back, "{deleted_at:?}");
        assert_eq!(one.status == Status::Scheduled, back, "{deleted_at:?}");
        assert_eq!(state.events["new"].wanted, Absent);
    }
}

#[test]
fn a_deletion_does_not_give_way_to_what_people_edited() {
    // They edited an event left behind, after the present one was deleted; the present one has yet to show it.
    let mut state = state(Status::Scheduled, [doomed("old"), event("new")]);
    state.see(&live("old", "\"2\"", &in_room("Room 9"), 30), at(40), ZONE);
    assert_eq!(standing(&state, "new"), (Present, Live, DUE));
    state.see(&gone("new", Some(25)), at(40), ZONE);
    assert_eq!(change(&state), (Some(Cancelled), Status::Cancelled, 4));
    assert_eq!(appointment(&state).facts, in_room("Room 9"));
}

#[test]
fn a_deletion_of_what_is_over_tidies_up() {
    let mut state = state(Status::Completed, [event("new")]);
    state.see(&gone("new", Some(30)), at(40), ZONE);
    assert_eq!(change(&state), (None, Status::Completed, 3));
    assert_eq!(standing(&state, "new"), (Absent, Gone, SETTLED));
}

#[test]
fn the_last_event_restored_brings_the_appointment_back() {
    let mut state = state(Status::Cancelled, [deleted("new")]);
    state.see(&live("new", "\"2\"", &facts(), 30), at(40), ZONE);
    assert_eq!(change(&state), (Some(Restored), Status::Scheduled, 4));
    assert_eq!(standing(&state, "new"), (Present, Live, SETTLED));
}

#[test]
fn a_restored_event_shows_what_callers_changed_since() {
    let mut state = state(Status::Cancelled, [deleted("new")]);
    state.appointments.get_mut(&APPOINTMENT).unwrap().facts = in_room("Room 1");
    state.see(&live("new", "\"2\"", &facts(), 30), at(40), ZONE);
    assert_eq!(appointment(&state).facts, in_room("Room 1"));
    assert!(!state.events["new"].is_settled());
}

#[test]
fn a_restored_event_that_a_reschedule_left_behind_is_deleted_again() {
    let mut state = state(Status::Scheduled, [deleted("old"), event("new")]);
    state.see(&live("old", "\"2\"", &retitled("Theirs"), 30), at(40), ZONE);
    assert_eq!(change(&state), (None, Status::Scheduled, 3));
    assert_eq!(standing(&state, "old"), (Absent, Live, DUE));
    assert_eq!(appointment(&state).facts, facts());
}

#[test]
fn an_edit_of_an_event_left_behind_is_carried_over_to_the_present_one() {
    for present_first in [false, true] {
        let mut state = state(Status::Scheduled, [doomed("old"), event("new")]);
        if present_first {
            state.see(
                &live("new", "\"3\"", &retitled("On the new one"), 25),
                at(40),
                ZONE,
            );
        }
        state.see(&live("old", "\"2\"", &in_room("Room 9"), 30), at(40), ZONE);
        assert_eq!(appointment(&state).facts.location.as_deref(), Some("Room 9"));
        assert_eq!(change(&state), (Some(Updated), Status::Scheduled, 4));
        assert_eq!(standing(&state, "old"), (Absent, Live, DUE));
        // The present event does not show it yet.
        assert!(!state.events["new"].is_settled());
        assert_eq!(state.events["new"].wanted_version, 4);
    }
}

#[test]
fn of_two_edits_by_way_of_two_events_the_later_stays() {
    let mut state = state(Status::Scheduled, [doomed("old"), event("new")]);
    state.see(&live("new", "\"3\"", &retitled("Later"), 30), at(40), ZONE);
    state.see(&live("old", "\"2\"", &retitled("Earlier"), 25), at(40), ZONE);
    assert_eq!(appointment(&state).facts, retitled("Later"));
}

#[test]
fn an_edit_after_a_cancellation_does_not_stop_the_deletion() {
    let mut state = state(Status::Cancelled, [doomed("new")]);
    state.see(&live("new", "\"2\"", &retitled("Theirs"), 30), at(40), ZONE);
    assert_eq!(change(&state), (None, Status::Cancelled, 3));
    assert_eq!(standing(&state, "new"), (Absent, Live, DUE));
    assert_eq!(state.events["new"].etag.as_deref(), Some("\"2\""));
}

#[test]
fn what_shall_be_gone_and_is_gone_is_settled() {
    let mut state = state(Status::Cancelled, [doomed("new")]);
    state.see(&gone("new", None), at(40), ZONE);
    assert_eq!(change(&state), (None, Status::Cancelled, 3));
    assert_eq!(standing(&state, "new"), (Absent, Gone, SETTLED));
}

#[test]
fn an_event_that_we_do_not_know_is_nobodys_appointment() {
    let mut state = state(Status::Scheduled, [event("new")]);
    state.see(&live("copy", "\"2\"", &retitled("Theirs"), 30), at(40), ZONE);
    state.see(&gone("copy", None), at(40), ZONE);
    assert_eq!(state.touched, Vec::<String>::new());
}

#[test]
fn what_google_showed_later_makes_an_older_sighting_doubtful() {
    let state = state(Status::Scheduled, [event("new")]);
    let edited = live("new", "\"2\"", &retitled("Theirs"), 9);
    assert!(state.is_doubtful(&edited, at(9), false));
    assert!(state.is_doubtful(&gone("new", Some(9)), at(9), false));
    assert!(!state.is_doubtful(&edited, at(11), false));
    let echo = live("new", "\"1\"", &facts(), 9);
    assert!(!state.is_doubtful(&echo, at(9), false));
}

#[test]
fn a_deletion_is_dated_once_where_a_change_of_ours_competes() {
    let competing = state(Status::Scheduled, [unwritten("new")]);
    assert!(competing.is_doubtful(&gone("new", None), at(11), false));
    assert!(!competing.is_doubtful(&gone("new", None), at(12), true));
    assert!(!competing.is_doubtful(&gone("new", Some(11)), at(11), false));
    let settled = state(Status::Scheduled, [event("new")]);
    assert!(!settled.is_doubtful(&gone("new", None), at(11), false));
}
