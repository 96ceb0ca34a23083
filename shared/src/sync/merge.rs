//! The three-way merge: what both sides last agreed on, what we have now, what Google has now; pure.
//!
//! Field by field: a side that still has what was agreed, and never left it since, takes the other's value. Where both
//! changed the same field, the later change stays. Start and end are one field. "Since" is counted in versions of the
//! appointment; only "later" compares clocks. Whether the event should be there at all is decided in
//! [`reconcile`](super::reconcile).

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::content::{Content, Facts};
use super::when::When;

/// When each fact of an appointment last changed, whoever changed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// By the fact's name in the history.
    pub facts: HashMap<String, Changed>,
    /// When it was booked: for facts that never changed.
    pub booked: DateTime<Utc>,
}

/// When a fact was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Changed {
    /// By the version of the appointment that it made.
    pub version: i64,
    /// By the clock of the side that changed it.
    pub at: DateTime<Utc>,
}

impl Changes {
    /// When any of `facts` last changed: the date of the last version that did, which a person's clock may show as older
    /// than an earlier change by a caller.
    pub(super) fn of(&self, facts: &[&str]) -> DateTime<Utc> {
        let facts = facts.iter().filter_map(|fact| self.facts.get(*fact));
        facts
            .max_by_key(|fact| fact.version)
            .map_or(self.booked, |fact| fact.at)
    }

    /// Whether any of `facts` changed after this version.
    pub(super) fn since(&self, version: i64, facts: &[&str]) -> bool {
        let mut facts = facts.iter().filter_map(|fact| self.facts.get(*fact));
        facts.any(|fact| fact.version > version)
    }

    /// The last version, up to `version`, of which every fact was as it is now already at `asked_at`: what has changed
    /// since cannot have been known to somebody who was asked then.
    pub(super) fn version_at(&self, asked_at: DateTime<Utc>, version: i64) -> i64 {
        let since = self.facts.values().filter(|fact| fact.at >= asked_at);
        since.map(|fact| fact.version - 1).fold(version, i64::min)
    }
}

/// The three sides of a merge.
#[derive(Debug)]
pub(super) struct Sides<'a> {
    /// What both sides last had; `None` where an answer to our first write was lost.
    pub agreed: Option<&'a Content>,
    /// The version of ours that it was compared with.
    pub agreed_version: Option<i64>,
    /// Writes of ours that may have taken effect unheard: Google showing them is no change by a person.
    pub sent: &'a [&'a Content],
    /// What we have.
    pub ours: &'a Facts,
    /// Since when.
    pub ours_changed: &'a Changes,
    /// What Google has.
    pub theirs: &'a Content,
    /// Google's time of change (`updated`).
    pub theirs_changed: DateTime<Utc>,
}

/// What our side holds after the merge. What Google must still be told is its difference to `theirs`.
pub(super) fn merge(sides: &Sides<'_>) -> Facts {
    let ours = sides.ours.content(sides.agreed);
    let mut merged = sides.ours.clone();
    let theirs = sides.theirs;

    if sides.takes_theirs(&["title"], |content| &content.title, &ours, |a, b| a == b) {
        // A title that a person cleared falls back to the default one.
        merged.title = filled(&theirs.title);
    }
    if sides.takes_theirs(&["notes"], Content::notes, &ours, |a, b| a == b) {
        merged.notes = filled(&theirs.notes());
    }
    if sides.takes_theirs(&["location"], |content| &content.location, &ours, |a, b| a == b) {
        merged.location = filled(&theirs.location);
    }
    let (from, until) = theirs.time.instants();
    // Google lets nobody end an event before it starts; were it to, no appointment could hold such a time.
    let possible = from < until;
    if possible && sides.takes_theirs(&TIME_FACTS, |content| &content.time, &ours, |a, b| a.same(b)) {
        (merged.starts_at, merged.ends_at) = (from, until);
        if let When::Timed { zone: Some(zone), .. } = &theirs.time {
            merged.time_zone.clone_from(zone);
        }
    }
    merged
}

/// What the history calls start and end.
pub(super) const TIME_FACTS: [&str; 3] = ["starts_at", "ends_at", "time_zone"];

impl Sides<'_> {
    /// Whether Google's value of a field replaces ours. `facts` are the history's names of the field.
    fn takes_theirs<'c, T>(
        &'c self,
        facts: &[&str],
        field: impl Fn(&'c Content) -> T,
        ours: &'c Content,
        same: impl Fn(&T, &T) -> bool,
    ) -> bool {
        let (ours, theirs) = (field(ours), field(self.theirs));
        let mut known = self.agreed.iter().chain(self.sent);
        if same(&ours, &theirs) || known.any(|content| same(&field(content), &theirs)) {
            return false;
        }
        // The value alone does not tell: a change that was taken back since is a change, too.
        let untouched = self
            .agreed_version
            .is_some_and(|version| !self.ours_changed.since(version, facts));
        let ours_unchanged = untouched && self.agreed.is_some_and(|agreed| same(&field(agreed), &ours));
        ours_unchanged || self.theirs_changed > self.ours_changed.of(facts)
    }
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::content::tests::facts;
    use super::*;

    fn at(minute: u32) -> DateTime<Utc> {
        format!("2026-11-23T10:{minute:02}:00Z").parse().unwrap()
    }

    /// Merges with our side changed at minute 10 (where it changed) and Google's at `theirs_at`.
    fn merged(ours: &Facts, theirs: &Content, theirs_at: u32, sent: &[&Content]) -> Facts {
        merged_since(2, ours, theirs, theirs_at, sent)
    }

    /// Our side's change made version 2.
    fn merged_since(
        agreed_version: i64,
        ours: &Facts,
        theirs: &Content,
        theirs_at: u32,
        sent: &[&Content],
    ) -> Facts {
        let changed = Changed {
            version: 2,
            at: at(10),
        };
        let facts_changed =
            ["title", "notes", "location", "starts_at"].map(|fact| (fact.to_owned(), changed));
        merge(&Sides {
            agreed: Some(&facts().content(None)),
            agreed_version: Some(agreed_version),
            sent,
            ours,
            ours_changed: &Changes {
                facts: facts_changed.into(),
                booked: at(0),
            },
            theirs,
            theirs_changed: at(theirs_at),
        })
    }

    fn retitled(title: &str) -> Facts {
        Facts {
            title: Some(title.into()),
            ..facts()
        }
    }

    #[test]
    fn what_only_google_changed_is_taken_however_early() {
        let theirs = Facts {
            location: Some("Room 2".into()),
            ..retitled("Theirs")
        }
        .content(None);
        let merged = merged(&facts(), &theirs, 1, &[]);
        assert_eq!(
            merged,
            Facts {
                location: Some("Room 2".into()),
                ..retitled("Theirs")
            }
        );
    }

    #[test]
    fn what_only_we_changed_is_kept_however_late_google_is() {
        assert_eq!(
            merged(&retitled("Ours"), &facts().content(None), 20, &[]),
            retitled("Ours")
        );
    }

    #[test]
    fn a_change_and_its_reversal_are_a_change_too() {
        // Agreed at version 1; ours went away from it and came back since.
        let theirs = retitled("Theirs").content(None);
        assert_eq!(merged_since(1, &facts(), &theirs, 9, &[]), facts());
        assert_eq!(merged_since(1, &facts(), &theirs, 11, &[]), retitled("Theirs"));
    }

    #[test]
    fn a_field_is_as_old_as_the_last_version_that_changed_it() {
        // Booked at minute 10; a person whose clock is behind moved it at minute 2, which made version 2.
        let booked = Changed {
            version: 1,
            at: at(10),
        };
        let moved = Changed {
            version: 2,
            at: at(2),
        };
        let changes = Changes {
            facts: HashMap::from([("time_zone".to_owned(), booked), ("starts_at".to_owned(), moved)]),
            booked: at(10),
        };
        assert_eq!(changes.of(&TIME_FACTS), at(2));
    }

    #[test]
    fn different_fields_keep_both_changes() {
        let theirs = Facts {
            notes: Some("bring x-ray".into()),
            ..facts()
        }
        .content(None);
        let merged = merged(&retitled("Ours"), &theirs, 1, &[]);
        assert_eq!(
            merged,
            Facts {
                notes: Some("bring x-ray".into()),
                ..retitled("Ours")
            }
        );
    }

    #[test]
    fn the_same_field_goes_to_the_later_change() {
        let theirs = retitled("Theirs").content(None);
        assert_eq!(merged(&retitled("Ours"), &theirs, 9, &[]), retitled("Ours"));
        assert_eq!(merged(&retitled("Ours"), &theirs, 11, &[]), retitled("Theirs"));
    }

    #[test]
    fn our_own_lost_write_is_no_change_by_a_person() {
        // A first title was sent and its answer lost; then ours changed again, and a person moved the event.
        let sent = retitled("First").content(None);
        let theirs = Facts {
            location: Some("Room 2".into()),
            ..retitled("First")
        }
        .content(None);
        let merged = merged(&retitled("Second"), &theirs, 20, &[&sent]);
        assert_eq!(
            merged,
            Facts {
                location: Some("Room 2".into()),
                ..retitled("Second")
            }
        );
    }

    #[test]
    fn a_first_write_whose_answer_was_lost_is_its_own_base() {
        let sent = facts().content(None);
        let theirs = Facts {
            notes: Some("moved rooms".into()),
            ..facts()
        }
        .content(None);
        let merged = merge(&Sides {
            agreed: None,
            agreed_version: None,
            sent: &[&sent],
            ours: &retitled("Ours"),
            ours_changed: &Changes {
                facts: HashMap::new(),
                booked: at(0),
            },
            theirs: &theirs,
            theirs_changed: at(20),
        });
        assert_eq!(
            merged,
            Facts {
                notes: Some("moved rooms".into()),
                ..retitled("Ours")
            }
        );
    }

    #[test]
    fn a_cleared_title_becomes_the_default_and_cleared_texts_go() {
        let theirs = Content {
            title: String::new(),
            ..Facts {
                notes: None,
                ..facts()
            }
            .content(None)
        };
        let merged = merged(&facts(), &theirs, 1, &[]);
        assert_eq!(merged.shown_title(), "Check-up: A. Khan");
        assert_eq!(merged.notes, None);
    }

    #[test]
    fn a_move_brings_its_zone_and_an_edited_footer_changes_nothing() {
        let london = When::Timed {
            from: at(30),
            until: at(59),
            zone: Some("Europe/London".into()),
        };
        let mut theirs = Content {
            time: london,
            ..facts().content(None)
        };
        theirs.description.push_str(" (wrong number)");
        let merged = merged(&facts(), &theirs, 1, &[]);
        let expected = Facts {
            starts_at: at(30),
            ends_at: at(59),
            time_zone: "Europe/London".into(),
            ..facts()
        };
        assert_eq!(merged, expected);
    }
}
