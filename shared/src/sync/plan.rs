//! What to do about one event that is due: one write, none, or a look first; pure.

use super::content::{Content, naming};
use super::reconcile::{AppointmentState, EventState, Seen, Wanted};
use crate::google::{EventPatch, NewEvent};

/// The next step towards what is wanted.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Google shows it already.
    Nothing,
    /// It never came to be, or is gone: as wanted.
    NothingToDelete,
    /// A first write, under the id chosen at booking.
    Insert(Box<NewEvent>),
    /// A change of the event with this etag.
    Patch {
        /// For `If-Match`.
        etag: String,
        /// Only what differs from what Google showed last.
        patch: Box<EventPatch>,
    },
    /// The deletion of the event with this etag.
    Delete {
        /// For `If-Match`.
        etag: String,
    },
    /// An earlier write's answer was lost: see what Google shows before writing again.
    Look,
}

impl Step {
    /// Whether Google is asked to change something.
    pub(super) fn writes(&self) -> bool {
        matches!(self, Self::Insert(_) | Self::Patch { .. } | Self::Delete { .. })
    }
}

/// The next step, and the content that it sends.
pub(super) fn next_step(event: &EventState, appointment: &AppointmentState) -> (Step, Option<Content>) {
    if event.sent.is_some() {
        return (Step::Look, None);
    }
    match (event.wanted, event.seen, &event.etag, &event.agreed) {
        (Wanted::Present, Seen::Never, ..) => {
            let content = appointment.facts.content(None);
            (
                Step::Insert(Box::new(content.to_new_event(&event.event_id, appointment.id))),
                Some(content),
            )
        }
        (Wanted::Present, Seen::Live, Some(etag), Some(shown)) => {
            let content = appointment.facts.content(Some(shown));
            let mut patch = content.patch_from(shown);
            if patch.is_empty() {
                (Step::Nothing, None)
            } else {
                if !shown.has_footer() {
                    // Nor does an event that an older deployment made name its appointment.
                    patch.private_properties = naming(appointment.id);
                }
                (
                    Step::Patch {
                        etag: etag.clone(),
                        patch: Box::new(patch),
                    },
                    Some(content),
                )
            }
        }
        (Wanted::Absent, Seen::Live, Some(etag), _) => (Step::Delete { etag: etag.clone() }, None),
        (Wanted::Absent, Seen::Never | Seen::Gone, ..) => (Step::NothingToDelete, None),
        // Nothing writes such a row; Google is asked rather than guessed at.
        (_, Seen::Live | Seen::Gone, ..) => (Step::Look, None),
    }
}
