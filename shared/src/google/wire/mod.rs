//! What travels to and from the Calendar API: exactly the fields that we use, under our names.
//!
//! Every type fits Google's discovery document for `calendar:v3`. Fields that we do not name are ignored in answers and
//! left out of requests (a write is always a PATCH, so what we leave out keeps its value).

mod calendar;
mod draft;
mod event;
mod listing;
mod time;

pub use calendar::{Calendar, Channel, NewChannel};
pub use draft::{Change, EventPatch, NewEvent};
pub use event::{Event, EventStatus, EventType, ListedEvent, Tombstone, Transparency};
pub use listing::{Continuation, EventsPage, EventsQuery, SYNC_QUERY_FINGERPRINT};
pub use time::EventTime;

pub(super) use calendar::Access;
