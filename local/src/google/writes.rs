//! Changes to events: the same rules for a program and for a person, who differ in what they may do.

use rand::RngExt;
use serde_json::{Map, Value, json};

use super::event::{Actor, Event};
use super::refusal::Refusal;
use super::world::{PERSON, World};

/// The characters of an event id.
const ID_ALPHABET: &[u8] = b"0123456789abcdefghijklmnopqrstuv";

impl World {
    /// A new event; its id is the body's or a random one.
    pub(super) fn insert(
        &mut self,
        calendar_id: &str,
        body: &Map<String, Value>,
        by: Actor,
    ) -> Result<Event, Refusal> {
        let calendar = self.writable(calendar_id, by)?;
        let id = match body.get("id").and_then(Value::as_str) {
            Some(id) => checked_id(id)?.to_owned(),
            None => random_id(),
        };
        if calendar.events.contains_key(&id) {
            return Err(Refusal::duplicate());
        }
        let event = Event::create(&id, body, &self.writing(calendar, by))?;
        self.commit(calendar_id, event)
    }

    pub(super) fn patch(
        &mut self,
        calendar_id: &str,
        id: &str,
        if_match: Option<&str>,
        patch: &Map<String, Value>,
        by: Actor,
    ) -> Result<Event, Refusal> {
        let calendar = self.writable(calendar_id, by)?;
        let event = calendar.find_here(id)?;
        event.check_if_match(if_match)?;
        let next = event.patched(patch, &self.writing(calendar, by))?;
        self.commit(calendar_id, next)
    }

    pub(super) fn replace(
        &mut self,
        calendar_id: &str,
        id: &str,
        if_match: Option<&str>,
        body: &Map<String, Value>,
        by: Actor,
    ) -> Result<Event, Refusal> {
        let calendar = self.writable(calendar_id, by)?;
        let event = calendar.find_here(id)?;
        event.check_if_match(if_match)?;
        let next = event.replaced(body, &self.writing(calendar, by))?;
        self.commit(calendar_id, next)
    }

    /// Deletes an event; a recurring one with all its exceptions.
    pub(super) fn delete(
        &mut self,
        calendar_id: &str,
        id: &str,
        if_match: Option<&str>,
        by: Actor,
    ) -> Result<(), Refusal> {
        let calendar = self.writable(calendar_id, by)?;
        let event = calendar.find(id)?;
        if event.is_cancelled() {
            return Err(Refusal::deleted());
        }
        event.check_if_match(if_match)?;
        let writing = self.writing(calendar, by);
        let exceptions = calendar
            .events
            .values()
            .filter(|other| other.master() == Some(id) && !other.is_cancelled());
        let gone: Vec<Event> = exceptions
            .chain([&event])
            .map(|event| event.with_status("cancelled", &writing))
            .collect();
        for event in gone {
            self.commit(calendar_id, event)?;
        }
        Ok(())
    }

    /// Takes an event out of the bin again.
    pub(super) fn restore(&mut self, calendar_id: &str, id: &str, by: Actor) -> Result<Event, Refusal> {
        let calendar = self.writable(calendar_id, by)?;
        let event = calendar.find_here(id)?;
        let next = event.with_status("confirmed", &self.writing(calendar, by));
        self.commit(calendar_id, next)
    }

    /// Moves an event to another calendar, where it keeps its id; a bare tombstone stays behind.
    pub(super) fn move_event(
        &mut self,
        calendar_id: &str,
        id: &str,
        destination: &str,
        by: Actor,
    ) -> Result<Event, Refusal> {
        let calendar = self.writable(calendar_id, by)?;
        let event = calendar.events.get(id).filter(|event| !event.is_cancelled());
        let event = event.ok_or_else(Refusal::not_found)?;
        if event.master().is_some() {
            let message = "Cannot change the organizer of an instance.";
            return Err(Refusal::new(
                400,
                "calendar",
                "cannotChangeOrganizerOfInstance",
                message,
            ));
        }
        let target = self.writable(destination, by)?;
        if destination == calendar_id {
            return Err(Refusal::invalid("The destination is the event's own calendar."));
        }
        if target.events.get(id).is_some_and(|other| !other.moved_away) {
            return Err(Refusal::duplicate());
        }
        let exceptions = calendar
            .events
            .values()
            .filter(|other| other.master() == Some(id) && !other.moved_away);
        let (leaving, arriving) = (self.writing(calendar, by), self.writing(target, by));
        let mut moves = Vec::new();
        for event in exceptions.chain([event]) {
            let mut left = event.with_status("cancelled", &leaving);
            left.moved_away = true;
            let mut arrived = event.with_status(event.text("status"), &arriving);
            arrived
                .content
                .insert("organizer".into(), json!({"email": destination, "self": true}));
            moves.push((left, arrived));
        }
        for (left, arrived) in moves {
            self.commit(calendar_id, left)?;
            self.commit(destination, arrived)?;
        }
        self.writable(destination, by)?.find(id)
    }

    /// What a person's "Duplicate" makes: the same content, extended properties included, under a new id.
    pub(super) fn duplicate(&mut self, calendar_id: &str, id: &str) -> Result<Event, Refusal> {
        let calendar = self.writable(calendar_id, Actor::Person)?;
        let event = calendar.find_here(id)?;
        let mut copy = Event::create(
            &random_id(),
            &event.content_of_copy(),
            &self.writing(calendar, Actor::Person),
        )?;
        copy.content.insert(
            "organizer".into(),
            json!({"email": PERSON, "displayName": "Reception"}),
        );
        self.commit(calendar_id, copy)
    }
}

impl Event {
    fn content_of_copy(&self) -> Map<String, Value> {
        let own = ["iCalUID", "sequence", "status"];
        let kept = self
            .content
            .iter()
            .filter(|(name, _)| !own.contains(&name.as_str()));
        kept.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

fn checked_id(id: &str) -> Result<&str, Refusal> {
    let fits = (5..=1024).contains(&id.len()) && id.bytes().all(|byte| ID_ALPHABET.contains(&byte));
    if fits {
        Ok(id)
    } else {
        Err(Refusal::invalid("Invalid resource id value."))
    }
}

fn random_id() -> String {
    let mut random = rand::rng();
    (0..26)
        .map(|_| char::from(ID_ALPHABET[random.random_range(0..ID_ALPHABET.len())]))
        .collect()
}
