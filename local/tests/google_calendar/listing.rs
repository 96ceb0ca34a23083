//! `events.list`: full, incremental, in pages.

use std::collections::BTreeSet;

use local::google::{DEFAULT_CALENDAR, ListingManners, StandIn, Tombstones};
use serde_json::{Value, json};

use crate::client::{half_hour, reason, start};

fn add(google: &StandIn, count: u32) -> Vec<String> {
    let day = |n: u32| format!("2026-12-{:02}T{:02}:00:00+05:00", n % 28 + 1, n / 28 + 8);
    let added = (0..count).map(|n| {
        let event = google
            .person()
            .add(DEFAULT_CALENDAR, &half_hour(&format!("Event {n}"), &day(n)))
            .unwrap();
        event["id"].as_str().unwrap().to_owned()
    });
    added.collect()
}

fn ids(events: &[Value]) -> BTreeSet<String> {
    events
        .iter()
        .map(|event| event["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn an_increment_holds_what_changed_since() {
    let (google, client) = start().await;
    let added = add(&google, 3);
    let (events, token) = client.list_all("maxResults=2").await;
    assert_eq!(events.len(), 3);
    let token = token.unwrap();
    let (events, same) = client.list_all(&format!("maxResults=2&syncToken={token}")).await;
    assert_eq!((events.len(), same.is_some()), (0, true));

    google.person().delete(DEFAULT_CALENDAR, &added[0]).unwrap();
    google
        .person()
        .retitle(DEFAULT_CALENDAR, &added[1], "Later")
        .unwrap();
    let (events, _) = client.list_all(&format!("maxResults=2&syncToken={token}")).await;
    assert_eq!(ids(&events), added[..2].iter().cloned().collect());
    let gone: BTreeSet<_> = events[0]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(gone, ["etag", "id", "kind", "status"].into());
    assert_eq!(events[1]["summary"], "Later");

    google.set_listing_manners(ListingManners {
        tombstones: Tombstones::Full,
        ..Default::default()
    });
    let (events, _) = client.list_all(&format!("maxResults=2&syncToken={token}")).await;
    assert_eq!(events[0]["summary"], "Event 0");
    let (events, _) = client.list_all("maxResults=2").await;
    assert_eq!(events.len(), 2, "a full listing bears no tombstones");
    assert_eq!(client.list_all("showDeleted=true").await.0.len(), 3);
    assert_eq!(google.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_sync_token_refuses_what_google_refuses() {
    let (google, client) = start().await;
    let token = client.list_all("timeMin=2026-11-01T00:00:00Z").await.1.unwrap();
    for refused in [
        "iCalUID=a",
        "orderBy=updated",
        "privateExtendedProperty=a%3Db",
        "sharedExtendedProperty=a%3Db",
        "q=a",
        "timeMin=2026-11-01T00:00:00Z",
        "timeMax=2026-12-01T00:00:00Z",
        "updatedMin=2026-11-01T00:00:00Z",
        "showDeleted=false",
    ] {
        let answer = client.list(&format!("{refused}&syncToken={token}")).await;
        assert_eq!(reason(&answer), (400, "invalidParameter"), "{refused}");
    }
    assert_eq!(
        reason(&client.list(&format!("maxResults=7&syncToken={token}")).await),
        (400, "invalid")
    );
    assert_eq!(reason(&client.list("syncToken=nonsense").await), (400, "invalid"));
    assert_eq!(client.list(&format!("syncToken={token}")).await.0, 200);
    google.expire_sync_tokens();
    assert_eq!(
        reason(&client.list(&format!("syncToken={token}")).await),
        (410, "fullSyncRequired")
    );
    assert!(client.list_all("orderBy=updated").await.1.is_none());
}

#[tokio::test]
async fn a_change_between_two_pages_is_seen_by_the_next_increment_at_the_latest() {
    let (google, client) = start().await;
    let added = add(&google, 6);
    let first = client.list("maxResults=2").await.1;
    google.person().delete(DEFAULT_CALENDAR, &added[0]).unwrap();
    google
        .person()
        .retitle(DEFAULT_CALENDAR, &added[1], "Again")
        .unwrap();
    google
        .person()
        .retitle(DEFAULT_CALENDAR, &added[5], "Once")
        .unwrap();
    let page = first["nextPageToken"].as_str().unwrap();
    let (rest, token) = client
        .list_from("maxResults=2", format!("&pageToken={page}"))
        .await;
    let shown: BTreeSet<_> = ids(first["items"].as_array().unwrap())
        .union(&ids(&rest))
        .cloned()
        .collect();
    assert_eq!(shown, added.iter().cloned().collect(), "no event is left out");
    let (changes, _) = client
        .list_all(&format!("maxResults=2&syncToken={}", token.unwrap()))
        .await;
    assert!(
        changes
            .iter()
            .any(|event| event["id"] == *added[0] && event["status"] == "cancelled")
    );
}

#[tokio::test]
async fn pages_may_be_short_empty_or_repeat_an_id() {
    let (google, client) = start().await;
    let added = add(&google, 5);
    let manners = ListingManners {
        page_limit: Some(2),
        empty_pages: true,
        repeat_ids: true,
        ..Default::default()
    };
    google.set_listing_manners(manners);
    google.clear_requests();
    let (events, token) = client.list_all("").await;
    assert!(events.len() > added.len(), "some ids come twice");
    assert_eq!(ids(&events), added.iter().cloned().collect());
    assert!(token.is_some());
    assert_eq!(google.count("events.list"), 6, "each page after an empty one");
}

#[tokio::test]
async fn a_page_token_is_for_the_same_query_only() {
    let (google, client) = start().await;
    add(&google, 3);
    let page = client.list("maxResults=1").await.1["nextPageToken"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        reason(&client.list(&format!("maxResults=2&pageToken={page}")).await),
        (400, "invalid")
    );
    assert_eq!(reason(&client.list("pageToken=nonsense").await), (400, "invalid"));
}

#[tokio::test]
async fn filters_choose_what_is_listed() {
    let (google, client) = start().await;
    let mut event = half_hour("Dental check", "2026-12-01T09:00:00+05:00");
    event["extendedProperties"] = json!({"private": {"appointment_id": "7"}});
    google.person().add(DEFAULT_CALENDAR, &event).unwrap();
    google
        .person()
        .add(DEFAULT_CALENDAR, &half_hour("Lunch", "2026-12-02T13:00:00+05:00"))
        .unwrap();
    for (query, count) in [
        ("q=DENTAL", 1),
        ("q=dinner", 0),
        ("privateExtendedProperty=appointment_id%3D7", 1),
        ("privateExtendedProperty=appointment_id%3D8", 0),
        ("timeMin=2026-12-01T04:29:59Z&timeMax=2026-12-02T08:00:01Z", 2),
        ("timeMin=2026-12-01T04:30:00Z", 1),
        ("timeMax=2026-12-02T08:00:00Z", 1),
        ("updatedMin=2036-01-01T00:00:00Z", 0),
    ] {
        assert_eq!(client.list_all(query).await.0.len(), count, "{query}");
    }
    let empty = "timeMin=2026-12-01T00:00:00Z&timeMax=2026-12-01T00:00:00Z";
    assert_eq!(reason(&client.list(empty).await), (400, "timeRangeEmpty"));
    let order = client
        .list_all("singleEvents=true&orderBy=startTime&timeZone=UTC")
        .await
        .0;
    assert_eq!(order[0]["start"]["dateTime"], "2026-12-01T04:00:00Z");
    assert_eq!(
        reason(&client.list("orderBy=startTime").await),
        (400, "badRequest")
    );
}

#[tokio::test]
async fn of_more_guests_than_asked_for_only_the_calendars_own_is_told() {
    let (google, client) = start().await;
    let mut event = half_hour("Meeting", "2026-12-01T09:00:00+05:00");
    event["attendees"] = json!([{"email": "a@example.com"}, {"email": "b@example.com", "self": true}]);
    google.person().add(DEFAULT_CALENDAR, &event).unwrap();
    let listed = async |query: &str| client.list_all(query).await.0.remove(0);
    let few = listed("maxAttendees=1").await;
    assert_eq!(
        few["attendees"],
        json!([{"email": "b@example.com", "self": true}])
    );
    assert_eq!(few["attendeesOmitted"], true);
    let all = listed("maxAttendees=2").await;
    assert_eq!(all["attendees"].as_array().unwrap().len(), 2);
    assert!(all.get("attendeesOmitted").is_none());
}
