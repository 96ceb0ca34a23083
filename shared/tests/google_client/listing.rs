//! Listings: complete, by increments, and for a window.

use chrono::{TimeZone, Utc};
use local::google::{ListingManners, StandIn, Tombstones};
use serde_json::json;
use shared::google::{Client, Continuation, Error, EventsQuery, ListedEvent};

use super::{CALENDAR, ample, insert, start};

/// Every page's items, and the token at the end.
async fn list(client: &Client, query: EventsQuery<'_>) -> Result<(Vec<ListedEvent>, Option<String>), Error> {
    let mut items = Vec::new();
    let mut page_token = None;
    loop {
        let page = client
            .list_events(CALENDAR, query, page_token.as_deref(), ample())
            .await?;
        items.extend(page.events.read()?);
        match page.next {
            Continuation::Page(token) => page_token = Some(token),
            Continuation::End { sync_token } => return Ok((items, sync_token)),
        }
    }
}

fn ids(items: &[ListedEvent]) -> Vec<&str> {
    let mut ids: Vec<_> = items.iter().map(ListedEvent::id).collect();
    ids.sort_unstable();
    ids
}

fn small_pages(google: &StandIn) {
    google.set_listing_manners(ListingManners {
        page_limit: Some(2),
        empty_pages: true,
        ..ListingManners::default()
    });
}

#[tokio::test]
async fn increments_follow_a_full_listing_page_by_page() {
    let (google, client) = start().await;
    small_pages(&google);
    for id in ["0190a", "0190b", "0190c", "0190d", "0190e"] {
        insert(&client, id).await;
    }
    let (items, token) = list(&client, EventsQuery::Everything).await.unwrap();
    assert_eq!(ids(&items), ["0190a", "0190b", "0190c", "0190d", "0190e"]);
    let token = token.unwrap();

    google.person().retitle(CALENDAR, "0190b", "Moved up").unwrap();
    google.person().delete(CALENDAR, "0190d").unwrap();
    let changes = EventsQuery::ChangesSince { sync_token: &token };
    let (items, next) = list(&client, changes).await.unwrap();
    assert_eq!(ids(&items), ["0190b", "0190d"]);
    for item in items {
        match item {
            ListedEvent::Live(event) => assert_eq!(event.summary.as_deref(), Some("Moved up")),
            ListedEvent::Cancelled(tombstone) => assert_eq!(tombstone.id, "0190d"),
            ListedEvent::Unreadable { id } => panic!("{id}"),
        }
    }
    let next = next.unwrap();
    let changes = EventsQuery::ChangesSince { sync_token: &next };
    assert_eq!(list(&client, changes).await.unwrap().0, []);
    assert_eq!(google.violations(), [] as [&str; 0]);
}

/// Google guarantees no more than the id, and often gives everything.
#[tokio::test]
async fn a_tombstone_tells_when_if_google_does() {
    let (google, client) = start().await;
    let event = insert(&client, "0190a").await;
    let token = list(&client, EventsQuery::Everything).await.unwrap().1.unwrap();
    google.person().delete(CALENDAR, "0190a").unwrap();
    for (tombstones, told) in [(Tombstones::Bare, false), (Tombstones::Full, true)] {
        google.set_listing_manners(ListingManners {
            tombstones,
            ..ListingManners::default()
        });
        let changes = EventsQuery::ChangesSince { sync_token: &token };
        let items = list(&client, changes).await.unwrap().0;
        let [ListedEvent::Cancelled(tombstone)] = &items[..] else {
            panic!("{items:?}");
        };
        assert_eq!(tombstone.updated.is_some_and(|at| at >= event.updated), told);
    }
}

#[tokio::test]
async fn a_dead_token_calls_for_a_full_listing() {
    let (google, client) = start().await;
    let (_, token) = list(&client, EventsQuery::Everything).await.unwrap();
    google.expire_sync_tokens();
    let token = token.unwrap();
    let changes = EventsQuery::ChangesSince { sync_token: &token };
    assert_eq!(list(&client, changes).await, Err(Error::TokenDead));
    assert_eq!(google.count("events.list"), 2);
}

#[tokio::test]
async fn a_window_shows_occurrences_in_order_and_gives_no_token() {
    let (google, client) = start().await;
    insert(&client, "0190a").await;
    let daily = json!({
        "summary": "Rounds", "recurrence": ["RRULE:FREQ=DAILY;COUNT=5"],
        "start": {"dateTime": "2026-11-30T08:00:00+05:00", "timeZone": "Asia/Karachi"},
        "end": {"dateTime": "2026-11-30T08:30:00+05:00", "timeZone": "Asia/Karachi"},
    });
    google.person().add(CALENDAR, &daily).unwrap();
    small_pages(&google);
    let window = EventsQuery::Window {
        from: Utc.with_ymd_and_hms(2026, 11, 30, 19, 0, 0).unwrap(),
        to: Utc.with_ymd_and_hms(2026, 12, 2, 19, 0, 0).single(),
        limit: 50,
    };
    let (items, token) = list(&client, window).await.unwrap();
    let titles = items.iter().map(|item| match item {
        ListedEvent::Live(event) => event.summary.as_deref().unwrap_or_default(),
        other => panic!("{other:?}"),
    });
    assert_eq!(
        titles.collect::<Vec<_>>(),
        ["Rounds", "Check-up: A. Khan", "Rounds"]
    );
    assert_eq!(token, None);
}
