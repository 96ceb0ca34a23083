//! The state file: what survives a restart.
//!
//! A journal, one JSON line for each thing that changed, so that a change costs the same however much is kept. It is
//! rewritten whole at each start and whenever it has grown long.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::world::World;

/// A journal that grew by so many bytes is rewritten.
const LONG: usize = 16 << 20;

pub(super) struct Store {
    path: PathBuf,
    journal: Option<File>,
    grown: usize,
}

/// What a line says; the latest about the same thing holds.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line<W, E> {
    /// Everything but the events.
    World(W),
    Event {
        calendar: String,
        event: E,
    },
}

impl Store {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            journal: None,
            grown: 0,
        }
    }

    /// What was saved; `None` when nothing was. A last line that a killed process left half-written is passed over.
    pub(super) fn load(&self) -> io::Result<Option<World>> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let mut world: Option<World> = None;
        for line in whole.lines() {
            match (serde_json::from_str(line)?, &mut world) {
                (Line::<World, Event>::World(mut next), earlier) => {
                    if let Some(earlier) = earlier {
                        next.take_events(earlier);
                    }
                    world = Some(next);
                }
                (Line::Event { calendar, event }, Some(world)) => world.put_back(&calendar, event),
                (Line::Event { .. }, None) => return Err(io::Error::other("the first line holds no world")),
            }
        }
        Ok(world)
    }

    /// Saves the world, of whose events the `changed` ones (calendar and id) differ from the last time.
    pub(super) fn save(&mut self, world: &World, changed: &[(String, String)]) -> io::Result<()> {
        // Without a journal after a failure, the next save writes everything.
        let Some(mut journal) = self.journal.take().filter(|_| self.grown < LONG) else {
            return self.rewrite(world);
        };
        let mut lines = line(&Line::<_, Event>::World(world))?;
        for (calendar, id) in changed {
            let event = world
                .calendars
                .get(calendar)
                .and_then(|known| known.events.get(id));
            if let Some(event) = event {
                lines.extend(line(&Line::<World, _>::Event {
                    calendar: calendar.clone(),
                    event,
                })?);
            }
        }
        journal.write_all(&lines)?;
        self.grown += lines.len();
        self.journal = Some(journal);
        Ok(())
    }

    /// Writes beside the file and renames, so that a reader finds the old journal or the new one, never half of it.
    fn rewrite(&mut self, world: &World) -> io::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let fresh = self.path.with_extension("new");
        let mut lines = line(&Line::<_, Event>::World(world))?;
        for calendar in world.calendars.values() {
            for event in calendar.events.values() {
                lines.extend(line(&Line::<World, _>::Event {
                    calendar: calendar.id.clone(),
                    event,
                })?);
            }
        }
        fs::write(&fresh, lines)?;
        fs::rename(&fresh, &self.path)?;
        self.journal = Some(OpenOptions::new().append(true).open(&self.path)?);
        self.grown = 0;
        Ok(())
    }
}

fn line(line: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::google::account::Account;
    use crate::google::event::Actor;

    const CALENDAR: &str = "clinic@example.com";

    #[test]
    fn a_journal_is_read_back_up_to_the_line_that_broke_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/google.json");
        let mut store = Store::new(&path);
        let mut world = World::new(Account::generate().unwrap());
        world.add_calendar(CALENDAR, chrono_tz::UTC);
        store.save(&world, &[]).unwrap();
        for id in ["first", "second"] {
            let event = json!({"id": id, "start": {"date": "2026-12-01"}, "end": {"date": "2026-12-02"}});
            world
                .insert(CALENDAR, event.as_object().unwrap(), Actor::Person)
                .unwrap();
            let changed = std::mem::take(&mut world.unsaved);
            store.save(&world, &changed).unwrap();
        }
        let kept = |world: &World| {
            world.calendars[CALENDAR]
                .events
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        let loaded = store.load().unwrap().unwrap();
        assert_eq!(
            (kept(&loaded), loaded.changes),
            (vec!["first".to_owned(), "second".to_owned()], 2)
        );

        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, &text[..text.len() - 10]).unwrap();
        assert_eq!(kept(&store.load().unwrap().unwrap()), ["first"]);

        fs::write(&path, "{}\n").unwrap();
        assert!(store.load().is_err());
        assert!(Store::new(&folder.path().join("none")).load().unwrap().is_none());
    }
}
