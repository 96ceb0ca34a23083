//! An event that an older deployment made, until Google has told us of it; pure.
//!
//! All that an import knows of such an event is its id and what the older deployment's table said. So its row begins with
//! `seen` never, and yet with what both sides are presumed to have `agreed` on: that table. No other row has both. From
//! there the merge does what it always does: where Google shows something else, a person changed it.

use std::collections::HashSet;

pub(crate) use super::content::{Content, Facts};
use super::reconcile::{EventState, Seen};
use super::when::When;

/// What the row of such an event begins with.
pub(crate) struct Presumed {
    /// The base of the first merge.
    pub(crate) agreed: Content,
    /// What the older deployment may have written, as if its answer had been lost: so Google is asked for the event before
    /// anything is written, and a text that it never wrote there is no text that a person cleared.
    pub(crate) sent: Content,
}

impl Presumed {
    /// Of an appointment as the older deployment knew it.
    pub(crate) fn of(facts: &Facts) -> Self {
        let agreed = Content {
            // Its zone in Google is not known, and a zone alone is no move.
            time: When::Timed {
                from: facts.starts_at,
                until: facts.ends_at,
                zone: None,
            },
            ..facts.content(None)
        };
        let sent = Content {
            title: String::new(),
            description: String::new(),
            location: String::new(),
            time: agreed.time.clone(),
        };
        Self { agreed, sent }
    }
}

impl EventState {
    /// What an older deployment is presumed to have written, while Google has not told us of the event.
    fn presumed(&self) -> Option<&Content> {
        self.agreed.as_ref().filter(|_| self.seen == Seen::Never)
    }
}

/// The notes of an appointment whose event shows `theirs`, if that is for adoption to say.
///
/// How the older deployment wrote its descriptions is not known, and people may have written into them. So nothing is lost:
/// the notes are the appointment's own, and below them each line that says more than the appointment does anyway, as one
/// with the patient's phone number would not.
pub(super) fn notes(event: &EventState, facts: &Facts, theirs: &Content) -> Option<String> {
    let presumed = event.presumed().filter(|_| !theirs.has_footer())?;
    let own = facts.notes.clone().unwrap_or_default();
    let added = Said::by(facts, presumed, theirs).removed_from(&theirs.notes());
    let parts = [own, added].into_iter().filter(|part| !part.is_empty());
    Some(parts.collect::<Vec<_>>().join("\n\n"))
}

/// What an appointment says without a description.
struct Said {
    /// Who the patient is: said whatever it is called.
    contact: HashSet<String>,
    all: HashSet<String>,
}

impl Said {
    fn by(facts: &Facts, presumed: &Content, theirs: &Content) -> Self {
        let contact = [
            Some(facts.patient_name.as_str()),
            facts.patient_phone.as_deref(),
            facts.patient_email.as_deref(),
        ];
        let contact: HashSet<_> = contact.into_iter().flatten().map(folded).collect();
        let others = [
            facts.reason.as_deref(),
            facts.location.as_deref(),
            Some(presumed.title.as_str()),
            Some(theirs.title.as_str()),
        ];
        // As they are now, and as the older deployment knew them.
        let notes = [facts.notes.clone().unwrap_or_default(), presumed.notes()];
        let notes = notes.iter().flat_map(|notes| notes.lines());
        let others = others.into_iter().flatten().chain(notes).map(folded);
        Self {
            all: contact.iter().cloned().chain(others).collect(),
            contact,
        }
    }

    /// A text without the lines that say nothing else.
    fn removed_from(&self, text: &str) -> String {
        let mut kept: Vec<&str> = Vec::new();
        // From the end: a heading, or a blank line, stays above a text that stays.
        for line in text.lines().rev().map(str::trim) {
            let stays = if line.is_empty() || line.ends_with(':') {
                kept.last().is_some_and(|below| !below.is_empty())
            } else {
                !self.says(line)
            };
            if stays {
                kept.push(line);
            }
        }
        kept.reverse();
        kept.join("\n").trim().to_owned()
    }

    fn says(&self, line: &str) -> bool {
        /// What stands behind the label of something that is lacking.
        const NOTHING: [&str; 5] = ["-", "n/a", "none", "null", "undefined"];
        /// A value under another label may say more: `Allergies: none`.
        const LABELS: [&str; 7] = ["phone", "email", "e-mail", "reason", "title", "location", "notes"];
        let Some((label, value)) = line.split_once(':') else {
            return self.all.contains(&folded(line));
        };
        let (label, value) = (folded(label), folded(value));
        let of_ours = LABELS.contains(&label.rsplit(' ').next().unwrap_or_default());
        self.contact.contains(&value)
            || of_ours && (self.all.contains(&value) || NOTHING.contains(&value.as_str()))
            || self.all.contains(&folded(line))
    }
}

/// A text as it is compared: case, blanks and the mark of a list's item make no difference.
fn folded(text: &str) -> String {
    let text = text.to_lowercase();
    let mut words: Vec<_> = text.split_whitespace().collect();
    if words.len() > 1 && ["-", "*", "\u{2022}"].contains(&words[0]) {
        words.remove(0);
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::content::tests::facts;
    use super::super::reconcile::Wanted;
    use super::*;

    /// An event as an import leaves it.
    fn imported() -> EventState {
        let Presumed { agreed, sent } = Presumed::of(&facts());
        EventState {
            event_id: "0h3v6k1q9s5r8t2u4p7ojmlnec".into(),
            appointment_id: Uuid::from_u128(7),
            wanted: Wanted::Present,
            wanted_version: 1,
            pushed_version: None,
            seen: Seen::Never,
            etag: None,
            seen_at: None,
            agreed: Some(agreed),
            agreed_version: Some(1),
            sent: Some(sent),
            strays: Vec::new(),
            caller_changed_at: None,
        }
    }

    fn describing(description: &str) -> Content {
        Content {
            description: description.into(),
            ..facts().content(None)
        }
    }

    /// The notes of the appointment whose notes are `first visit`.
    fn noted(description: &str) -> String {
        notes(&imported(), &facts(), &describing(description)).unwrap()
    }

    #[test]
    fn what_the_appointment_says_anyway_does_not_get_into_its_notes() {
        for description in [
            "",
            "first visit",
            "Patient: A. Khan\nPhone: +92 300 1234567\nEmail: None\nReason: Check-up\nNotes: first visit",
            "<b>Patient:</b> A. Khan<br><br><b>Mobile</b>: <a href=\"tel:1\">+92 300 1234567</a><br>Notes:<br>First visit",
            "Appointment details:\n- Patient name: A. KHAN\n- Phone: +92 300 1234567\n\nCheck-up: A. Khan",
        ] {
            assert_eq!(noted(description), "first visit", "{description}");
        }
    }

    #[test]
    fn what_says_more_is_kept_below_the_notes() {
        for (description, added) in [
            (
                "Patient: A. Khan\n\nallergic to penicillin\n",
                "allergic to penicillin",
            ),
            (
                "Allergies:\npenicillin\n\nPhone: +92 300 1234567",
                "Allergies:\npenicillin",
            ),
            ("Phone: +92 300 7654321", "Phone: +92 300 7654321"),
            ("Patient allergies: none\nEmail: none", "Patient allergies: none"),
            ("Smoker: first visit", "Smoker: first visit"),
            ("one\n\n\nA. Khan\n\ntwo", "one\n\ntwo"),
            ("call back at 10:30", "call back at 10:30"),
        ] {
            assert_eq!(
                noted(description),
                format!("first visit\n\n{added}"),
                "{description}"
            );
        }
        let without = Facts {
            notes: None,
            ..facts()
        };
        assert_eq!(notes(&imported(), &without, &describing("late")).unwrap(), "late");
    }

    #[test]
    fn notes_that_a_caller_changed_since_the_import_are_not_brought_back() {
        let changed = Facts {
            notes: Some("second visit".into()),
            ..facts()
        };
        let shown = describing("Notes: first visit\nPhone: +92 300 1234567");
        assert_eq!(notes(&imported(), &changed, &shown).unwrap(), "second visit");
    }

    #[test]
    fn every_other_event_is_left_to_the_merge() {
        let with_footer = facts().content(None);
        assert_eq!(notes(&imported(), &facts(), &with_footer), None);
        let known = EventState {
            seen: Seen::Live,
            ..imported()
        };
        let ours = EventState {
            agreed: None,
            ..imported()
        };
        for event in [known, ours] {
            assert_eq!(notes(&event, &facts(), &describing("theirs")), None);
        }
    }
}
