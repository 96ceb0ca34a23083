//! The stand-in for Google Calendar, asked bare: HTTP and nothing else.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use reqwest::Client;
use serde::Deserialize;

use crate::Failure;
use crate::distance::Distance;
use crate::rows::{scheduled, succeed};
use crate::world::{CALENDAR, World};

/// Whose listing is overheard.
const OVERHEARD: &str = "overheard@example.com";

/// Whoever asks without our client.
pub(crate) struct Bare {
    client: Client,
    api: String,
    token: String,
    /// The parameters of a full listing.
    query: String,
}

/// What came of a listing.
pub(crate) struct Listed {
    pub(crate) took: Duration,
    pub(crate) sync_token: String,
}

impl Bare {
    /// Asks as a function of ours asks, with the token that it was given: one that pulls is started, and overheard.
    pub(crate) async fn overhearing(world: &World) -> Result<Self, Failure> {
        let (way, api) = Distance::before(&world.google.base_url(), Duration::ZERO).await?;
        let mut settings = world.settings(&world.url())?;
        settings.insert("GOOGLE_CALENDAR_API_URL".to_owned(), api);
        settings.insert("GOOGLE_CALENDAR_ID".to_owned(), OVERHEARD.to_owned());
        world.google.add_calendar(OVERHEARD, chrono_tz::Asia::Karachi);
        let sync = world.start_with("scheduled-sync", &settings).await?;
        succeed(&sync, &scheduled()).await?;
        let forget = "delete from calendars where id = $1";
        world.client().await?.execute(forget, &[&OVERHEARD]).await?;
        let sent = way.sent();
        let after = |mark: &str| Some(sent.split_once(mark)?.1.split_whitespace().next()?.to_owned());
        Ok(Self {
            client: Client::new(),
            api: world.google.base_url(),
            token: after("earer ").ok_or("no token was sent to Google")?,
            query: after("/events?").ok_or("Google was asked for no listing")?,
        })
    }

    /// The same by way of another address.
    pub(crate) fn at(&self, api: &str) -> Self {
        Self {
            client: self.client.clone(),
            api: api.to_owned(),
            token: self.token.clone(),
            query: self.query.clone(),
        }
    }

    /// Reads a whole listing, in full or since a sync token, and of its pages only what comes next.
    pub(crate) async fn list(&self, calendar: &str, since: Option<&str>) -> Result<Listed, Failure> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Page {
            next_page_token: Option<String>,
            next_sync_token: Option<String>,
        }
        let began = Instant::now();
        let mut page = String::new();
        loop {
            let since = since
                .map(|token| format!("&syncToken={token}"))
                .unwrap_or_default();
            let url = format!(
                "{}/calendars/{calendar}/events?{}{since}{page}",
                self.api, self.query
            );
            let read: Page = serde_json::from_slice(&self.get(&url).await?)?;
            if let Some(token) = read.next_page_token {
                page = format!("&pageToken={token}");
                continue;
            }
            return Ok(Listed {
                took: began.elapsed(),
                sync_token: read
                    .next_sync_token
                    .ok_or("a listing ends without a sync token")?,
            });
        }
    }

    /// So many calls that do little, so many at once; how long they took.
    pub(crate) async fn calls(&self, number: usize, at_once: usize) -> Result<Duration, Failure> {
        let url = format!("{}/calendars/{CALENDAR}", self.api);
        let began = Instant::now();
        let answers: Vec<_> = stream::iter(0..number)
            .map(|_| self.get(&url))
            .buffer_unordered(at_once)
            .collect()
            .await;
        let took = began.elapsed();
        answers.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(took)
    }

    async fn get(&self, url: &str) -> Result<bytes::Bytes, Failure> {
        let request = self.client.get(url).bearer_auth(&self.token);
        Ok(request.send().await?.error_for_status()?.bytes().await?)
    }
}
