//! What a listing changes of what is kept.

use std::collections::{HashMap, HashSet};

use super::Basis;
use super::event::{BusyEvent, Occurrence};
use super::recurrence::Taken;
use crate::availability::Span;
use crate::google::{Event, EventTime};

/// So many events, or so many of their occurrences, are written by one statement, to bound memory.
const CHUNK_EVENTS: usize = 10_000;
const CHUNK_SPANS: usize = 50_000;

/// What a listing shows of an event.
#[derive(Debug, Clone, Copy)]
pub(in crate::sync) enum Seen<'a> {
    /// It is there.
    Live {
        /// As Google shows it.
        event: &'a Event,
        /// Whether it is an appointment's.
        ours: bool,
    },
    /// It is not.
    Gone {
        /// Its id.
        event_id: &'a str,
        /// The occurrence that does not take place, if it is one.
        cancelled: Option<&'a Occurrence>,
    },
}

/// Events as they are to be kept.
#[derive(Debug, Default)]
pub(in crate::sync) struct Plan {
    /// Kept, by id: as they are now.
    events: HashMap<String, BusyEvent>,
    /// The ids of those that were kept before.
    stored: HashSet<String>,
    /// The ids of those that may have to be written.
    touched: HashSet<String>,
    deleted: Vec<String>,
}

/// What one statement writes.
#[derive(Debug, Default)]
pub(in crate::sync) struct Chunk {
    /// Events, and the times that they take.
    pub(in crate::sync) written: Vec<(BusyEvent, Vec<Span>)>,
    /// The ids of events that are kept no more.
    pub(in crate::sync) deleted: Vec<String>,
}

impl Plan {
    /// Begins with what is stored of the events concerned.
    pub(in crate::sync) fn of(stored: Vec<BusyEvent>) -> Self {
        let ids = stored.iter().map(|event| event.event_id.clone());
        Self {
            stored: ids.collect(),
            events: stored
                .into_iter()
                .map(|event| (event.event_id.clone(), event))
                .collect(),
            ..Self::default()
        }
    }

    /// Everything is laid out anew.
    pub(in crate::sync) fn touch_all(&mut self) {
        self.touched.extend(self.stored.iter().cloned());
    }

    /// Works in what a listing shows.
    pub(in crate::sync) fn see(&mut self, seen: Seen<'_>) {
        match seen {
            Seen::Live { event, ours } => match BusyEvent::of(event, ours) {
                Some(busy) => self.put(busy),
                None => self.remove(&event.id),
            },
            Seen::Gone { event_id, cancelled } => {
                self.end_series(event_id);
                // Google may tell of a cancelled occurrence by its id alone.
                let known = self
                    .events
                    .get(event_id)
                    .and_then(|known| known.replaces.as_ref());
                match cancelled.or(known).cloned() {
                    Some(replaced) => self.put(BusyEvent {
                        event_id: event_id.to_owned(),
                        replaces: Some(replaced),
                        times: None,
                    }),
                    None => self.remove(event_id),
                }
            }
        }
    }

    fn put(&mut self, event: BusyEvent) {
        self.touch(&event.event_id.clone(), event.replaces.as_ref());
        self.events.insert(event.event_id.clone(), event);
    }

    /// Forgets an event.
    pub(in crate::sync) fn remove(&mut self, event_id: &str) {
        let Some(event) = self.events.remove(event_id) else {
            return;
        };
        self.touch(event_id, event.replaces.as_ref());
        if self.stored.contains(event_id) {
            self.deleted.push(event.event_id);
        }
    }

    /// With a series, its exceptions take place no more.
    fn end_series(&mut self, series_id: &str) {
        for event in self.events.values_mut() {
            if event
                .replaces
                .as_ref()
                .is_some_and(|replaced| replaced.series_id == series_id)
            {
                event.times = None;
                self.touched.insert(event.event_id.clone());
            }
        }
    }

    fn touch(&mut self, event_id: &str, replaces: Option<&Occurrence>) {
        self.touched.insert(event_id.to_owned());
        self.touched
            .extend(replaces.map(|replaced| replaced.series_id.clone()));
    }

    /// What is to be written, in bounded chunks, each laid out when its turn comes.
    pub(in crate::sync) fn chunks(&self, basis: Basis) -> impl Iterator<Item = Chunk> {
        let mut replaced: HashMap<&str, Vec<EventTime>> = HashMap::new();
        for occurrence in self.events.values().filter_map(|event| event.replaces.as_ref()) {
            let starts = replaced.entry(&occurrence.series_id).or_default();
            starts.push(occurrence.start.clone());
        }
        let mut touched = self
            .touched
            .iter()
            .filter_map(|event_id| self.events.get(event_id));
        let mut deleted = Some(self.deleted.clone());
        std::iter::from_fn(move || {
            let mut chunk = Chunk {
                deleted: deleted.take().unwrap_or_default(),
                ..Chunk::default()
            };
            let mut spans = 0;
            while spans < CHUNK_SPANS && chunk.written.len() < CHUNK_EVENTS {
                let Some(event) = touched.next() else { break };
                let without = replaced
                    .get(event.event_id.as_str())
                    .map_or(&[][..], Vec::as_slice);
                let taken = event.taken(without, &basis);
                if !taken.is_over {
                    spans += taken.spans.len();
                    chunk.written.push((event.clone(), taken.spans));
                } else if self.stored.contains(&event.event_id) {
                    chunk.deleted.push(event.event_id.clone());
                }
            }
            (!chunk.written.is_empty() || !chunk.deleted.is_empty()).then_some(chunk)
        })
    }
}

impl BusyEvent {
    /// The times that it takes. An exception is not over before the occurrence is that it replaces.
    fn taken(&self, replaced: &[EventTime], basis: &Basis) -> Taken {
        let mut taken = self.times.as_ref().map_or_else(
            || Taken {
                spans: Vec::new(),
                is_over: true,
            },
            |times| times.taken(replaced, basis),
        );
        if let Some(replaced) = &self.replaces {
            taken.is_over &= replaced.start.instant(basis.zone) < basis.window.from;
        }
        taken
    }
}
