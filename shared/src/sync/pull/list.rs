//! What Google is asked during a pull.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::task::spawn_blocking;
use tracing::Span;

use super::Pull;
use crate::google::{Continuation, Error, EventsPage, EventsQuery, Gone, ListedEvent};
use crate::sync::busy::Occurrence;
use crate::sync::listing::{Listing, Start, sighting};
use crate::sync::queries::listing::missing_from_listing;
use crate::sync::reconcile::Sighting;
use crate::sync::{STORE_MARGIN, SyncError};

/// How long a page may take: the lease outlives it.
const PAGE: Duration = Duration::from_secs(40);
/// Events asked for at once.
const CONCURRENCY: usize = 8;
/// So many events are worked in at once; a longer listing is taken in parts, to bound memory and the commit's time.
const PART: usize = 10_000;

impl Pull<'_> {
    /// Lists from `start`, or from further back where Google no longer knows that place.
    pub(super) async fn list_from(&self, mut start: Start) -> Result<Listing, SyncError> {
        loop {
            match self.list(&start).await {
                Err(SyncError::Google(Error::TokenDead | Error::Refused(_)))
                    if start.page_token.is_some() =>
                {
                    start.page_token = None;
                    start.begun_at = self.prolong().await?;
                }
                Err(SyncError::Google(Error::TokenDead)) if !start.is_full() => start.sync_token = None,
                listed => return listed,
            }
        }
    }

    /// Every page from `start` on, or as many as time allows or make a part.
    async fn list(&self, start: &Start) -> Result<Listing, SyncError> {
        let query = match &start.sync_token {
            Some(sync_token) => EventsQuery::ChangesSince { sync_token },
            // No bound in time: an event that a person moved out of it would look deleted.
            None => EventsQuery::Everything,
        };
        // Read while the next page is on its way.
        let mut pages = Vec::new();
        let mut listed = 0;
        let mut reached = None;
        let next = loop {
            let page_token = reached.as_ref().or(start.page_token.as_ref());
            match (self.page(query, page_token).await, reached.take()) {
                (Ok(page), _) => {
                    listed += page.events.count();
                    let run = Span::current();
                    pages.push(spawn_blocking(move || run.in_scope(|| page.events.read())));
                    match page.next {
                        Continuation::Page(token) if listed < PART => reached = Some(token),
                        part @ Continuation::Page(_) => break part,
                        end @ Continuation::End { .. } => break end,
                    }
                    self.prolong().await?;
                }
                (Err(SyncError::OutOfTime | SyncError::CoolingDown { .. }), Some(reached)) => {
                    break Continuation::Page(reached);
                }
                (Err(error), _) => return Err(error),
            }
        };
        let mut seen: HashMap<String, ListedEvent> = HashMap::with_capacity(listed);
        for page in pages {
            // Reading does not panic, and nobody stops it; if it ever were so, nothing was read.
            let events = page.await.map_err(|_| Error::unusable_page())??;
            // An id may come again on a later page: the later one is the newer one.
            seen.extend(events.into_iter().map(|item| (item.id().to_owned(), item)));
        }
        let mut listing = Listing {
            start: start.clone(),
            sightings: HashMap::new(),
            cancelled: HashMap::new(),
            unreadable: Vec::new(),
            next,
        };
        for (event_id, item) in seen {
            if let ListedEvent::Cancelled(tombstone) = &item {
                let occurrence = Occurrence::of(
                    tombstone.recurring_event_id.as_ref(),
                    tombstone.original_start_time.as_ref(),
                );
                listing
                    .cancelled
                    .extend(occurrence.map(|occurrence| (event_id.clone(), occurrence)));
            }
            match sighting(&event_id, item) {
                Some(sighting) => listing.add(sighting, start.begun_at, false),
                None => listing.unreadable.push(event_id),
            }
        }
        Ok(listing)
    }

    async fn page(
        &self,
        query: EventsQuery<'_>,
        page_token: Option<&String>,
    ) -> Result<EventsPage, SyncError> {
        if self.time_is_over() {
            return Err(SyncError::OutOfTime);
        }
        self.turn().await?;
        let until = self.deadline.leaving(2 * STORE_MARGIN).at_most(PAGE);
        let google = self.sync.google;
        let page = google
            .list_events(self.calendar_id, query, page_token.map(String::as_str), until)
            .await;
        match page {
            // What was given no time to end well has not failed; a pause that Google asks for is another matter.
            Err(Error::Unreachable { .. } | Error::Retry { .. }) if self.time_is_over() => {
                Err(SyncError::OutOfTime)
            }
            page => Ok(page?),
        }
    }

    pub(super) fn time_is_over(&self) -> bool {
        !self.deadline.allows(2 * STORE_MARGIN)
    }

    /// A full listing bears no tombstones: what it lacks of the events that we know as live is deleted.
    pub(super) async fn add_missing(&self, listing: &mut Listing) -> Result<(), SyncError> {
        let (shown, begun_at) = (listing.shown(), listing.start.begun_at);
        let db = self.sync.db;
        let missing = db
            .read(self.deadline, async |client| {
                missing_from_listing(client, self.calendar_id, &shown, begun_at).await
            })
            .await?;
        listing.add_missing(missing);
        Ok(())
    }

    /// Asks for these events by their ids: that is younger than the listing, and tells when an event was deleted.
    pub(super) async fn ask_again(
        &self,
        listing: &mut Listing,
        event_ids: Vec<String>,
    ) -> Result<(), SyncError> {
        let asked_at = self.prolong().await?;
        let answers = stream::iter(event_ids)
            .map(async |event_id| {
                let shown = self.ask_for(&event_id).await?;
                Ok::<_, SyncError>((event_id, shown))
            })
            .buffer_unordered(CONCURRENCY)
            .try_collect::<Vec<_>>()
            .await?;
        for (event_id, shown) in answers {
            if let Some(sighting) = shown {
                listing.add(sighting, asked_at, true);
            } else {
                listing.sightings.remove(&event_id);
                listing.unreadable.push(event_id);
            }
        }
        Ok(())
    }

    /// What Google shows of an event now; `None` if it cannot be understood.
    async fn ask_for(&self, event_id: &str) -> Result<Option<Sighting>, SyncError> {
        self.turn().await?;
        let until = self.deadline.leaving(STORE_MARGIN);
        let google = self.sync.google;
        match google.get_event(self.calendar_id, event_id, until).await {
            Ok(shown) => Ok(sighting(event_id, shown)),
            Err(Error::Gone(Gone::NotFound)) => Ok(Some(Sighting::Missing {
                event_id: event_id.to_owned(),
            })),
            Err(Error::Gone(Gone::Deleted)) => Ok(Some(Sighting::Gone {
                event_id: event_id.to_owned(),
                at: None,
            })),
            Err(error) => Err(error.into()),
        }
    }
}
