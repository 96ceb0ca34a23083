//! The stand-in for Google Calendar, asked bare: HTTP and nothing else.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use reqwest::Client;
use serde_json::Value;

use crate::Failure;
use crate::distance::Distance;
use crate::world::{CALENDAR, World};

/// Whoever asks without our client.
pub(crate) struct Bare {
    client: Client,
    api: String,
    token: String,
}

impl Bare {
    /// Asks with the token that a function of ours was given: one that pulls is started, and overheard.
    pub(crate) async fn overhearing(world: &World) -> Result<Self, Failure> {
        let (way, api) = Distance::before(&world.google.base_url(), Duration::ZERO).await?;
        let mut settings = world.settings(&world.url())?;
        settings.insert("GOOGLE_CALENDAR_API_URL".to_owned(), api);
        let sync = world.start_with("scheduled-sync", &settings).await?;
        crate::rows::succeed(&sync, &crate::rows::scheduled()).await?;
        let sent = way.sent();
        let token = sent
            .split("earer ")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next());
        Ok(Self {
            client: Client::new(),
            api: world.google.base_url(),
            token: token.ok_or("no token was sent to Google")?.to_owned(),
        })
    }

    /// The same by way of another address.
    pub(crate) fn at(&self, api: &str) -> Self {
        Self {
            client: self.client.clone(),
            api: api.to_owned(),
            token: self.token.clone(),
        }
    }

    /// Reads a whole listing, in full or since a sync token; how long that took.
    pub(crate) async fn list(&self, since: Option<&str>) -> Result<Duration, Failure> {
        let began = Instant::now();
        let mut page = String::new();
        loop {
            let since = since
                .map(|token| format!("&syncToken={token}"))
                .unwrap_or_default();
            let url = format!(
                "{}/calendars/{CALENDAR}/events?{}{since}{page}",
                self.api,
                shared::google::SYNC_QUERY_FINGERPRINT
            );
            let body = self.get(&url).await?;
            let body: Value = serde_json::from_slice(&body)?;
            match body["nextPageToken"].as_str() {
                Some(token) => page = format!("&pageToken={token}"),
                None => return Ok(began.elapsed()),
            }
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
