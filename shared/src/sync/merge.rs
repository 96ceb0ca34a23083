//! The three-way merge: what both sides last agreed on, what we have now, what Google has now; pure.
//!
//! Field by field: a side that still has what was agreed, and never left it since, takes the other's value. Where both
//! changed the same field, the later change stays. Start and end are one field. Whether the event should be there at
//! all is decided in [`reconcile`](super::reconcile).

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::content::{Content, Facts};
use super::when::When;

/// When our side last changed each fact, by its name in the history (`by` anyone but Google Calendar).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangedAt {
    /// By the name of the fact.
    pub facts: HashMap<String, DateTime<Utc>>,
    /// For facts that never changed.
    pub booked: DateTime<Utc>,
}

impl ChangedAt {
    /// When any of `facts` last changed.
    pub fn of(&self, facts: &[&str]) -> DateTime<Utc> {
        facts
            .iter()
            .filter_map(|fact| self.facts.get(*fact))
            .copied()
            .max()
            .unwrap_or(self.booked)
    }

    /// When anything last changed.
    pub fn latest(&self) -> DateTime<Utc> {
        self.facts.values().copied().max().unwrap_or(self.booked)
    }
}

/// The three sides of a merge.
#[derive(Debug)]
pub(super) struct Sides<'a> {
    /// What both sides last had; `None` where an answer to our first write was lost.
    pub agreed: Option<&'a Content>,
    /// When that was, by the clock that dates our changes.
    pub(crate) agreed_at: Option<DateTime<Utc>>,
    /// A write of ours whose answer was lost: Google showing it is no change by a person.
    pub sent: Option<&'a Content>,
    /// What we have.
    pub ours: &'a Facts,
    /// Since when.
    pub ours_changed: &'a ChangedAt,
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

const TIME_FACTS: [&str; 3] = ["starts_at", "ends_at", "time_zone"];

impl Sides<'_> {
    /// Whether Google's value of a field replaces ours. `facts` are the history's names of the field.
    fn takes_theirs<'c, T>(
        &'c self,
        facts: &[&str],
        field: impl Fn(&'c Content) -> T,
        ours: &'c Content,
        same: impl Fn(&T, &T) -> bool,
    ) -> bool {
        let is = |side: Option<&'c Content>, value: &T| side.is_some_and(|side| same(&field(side), value));
        let (ours, theirs) = (field(ours), field(self.theirs));
        if same(&ours, &theirs) || is(self.agreed, &theirs) || is(self.sent, &theirs) {
            return false;
        }
        let ours_changed = self.ours_changed.of(facts);
        // The value alone does not tell: a change that was taken back since is a change, too.
        let untouched = ours_changed <= self.agreed_at.unwrap_or(self.ours_changed.booked);
        let ours_unchanged = untouched && is(self.agreed.or(self.sent), &ours);
        ours_unchanged || self.theirs_changed > ours_changed
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
    fn merged(ours: &Facts, theirs: &Content, theirs_at: u32, sent: Option<&Content>) -> Facts {
        merged_since(10, ours, theirs, theirs_at, sent)
    }

    fn merged_since(
        agreed_at: u32,
        ours: &Facts,
        theirs: &Content,
        theirs_at: u32,
        sent: Option<&Content>,
    ) -> Facts {
        let facts_changed = ["title", "notes", "location", "starts_at"].map(|fact| (fact.to_owned(), at(10)));
        merge(&Sides {
            agreed: Some(&facts().content(None)),
            agreed_at: Some(at(agreed_at)),
            sent,
            ours,
            ours_changed: &ChangedAt {
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
        let merged = merged(&facts(), &theirs, 1, None);
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
            merged(&retitled("Ours"), &facts().content(None), 20, None),
            retitled("Ours")
        );
    }

    #[test]
    fn a_change_and_its_reversal_are_a_change_too() {
        // Agreed at minute 5; ours went away from it and came back at minute 10.
        let theirs = retitled("Theirs").content(None);
        assert_eq!(merged_since(5, &facts(), &theirs, 9, None), facts());
        assert_eq!(merged_since(5, &facts(), &theirs, 11, None), retitled("Theirs"));
    }

    #[test]
    fn different_fields_keep_both_changes() {
        let theirs = Facts {
            notes: Some("bring x-ray".into()),
            ..facts()
        }
        .content(None);
        let merged = merged(&retitled("Ours"), &theirs, 1, None);
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
        assert_eq!(merged(&retitled("Ours"), &theirs, 9, None), retitled("Ours"));
        assert_eq!(merged(&retitled("Ours"), &theirs, 11, None), retitled("Theirs"));
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
        let merged = merged(&retitled("Second"), &theirs, 20, Some(&sent));
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
            agreed_at: None,
            sent: Some(&sent),
            ours: &retitled("Ours"),
            ours_changed: &ChangedAt {
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
        let merged = merged(&facts(), &theirs, 1, None);
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
        let merged = merged(&facts(), &theirs, 1, None);
        let expected = Facts {
            starts_at: at(30),
            ends_at: at(59),
            time_zone: "Europe/London".into(),
            ..facts()
        };
        assert_eq!(merged, expected);
    }
}
