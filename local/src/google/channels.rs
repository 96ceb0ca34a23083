//! Watch channels: who is told that a calendar changed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use openssl::sha::sha256;
use rand::RngExt;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::event::Actor;
use super::refusal::Refusal;
use super::world::World;

/// The life of a channel that asks for none, and the longest given unless a test says otherwise, in seconds.
pub(super) const LONGEST_LIFE: i64 = 604_800;
/// Longest channel id and token, in characters.
const LONGEST_ID: usize = 64;
const LONGEST_TOKEN: usize = 256;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Channel {
    pub(super) id: String,
    pub(super) calendar_id: String,
    pub(super) resource_id: String,
    pub(super) resource_uri: String,
    pub(super) address: String,
    pub(super) token: Option<String>,
    /// By the stand-in's clock.
    pub(super) expires_at: DateTime<Utc>,
    pub(super) stopped: bool,
    /// The number of the latest message.
    pub(super) message_number: u64,
}

/// One message to one channel.
#[derive(Debug, Clone)]
pub(super) struct Notice {
    pub(super) channel: Channel,
    /// `sync` for the first message, then `exists`.
    pub(super) state: &'static str,
    /// The channel's end, as clients are told it.
    pub(super) expires_at: DateTime<Utc>,
}

impl World {
    /// Opens a channel on the events of a calendar; `query` is the query string of the request.
    pub(super) fn watch(
        &mut self,
        calendar_id: &str,
        query: &str,
        body: &Map<String, Value>,
    ) -> Result<Value, Refusal> {
        let calendar = self.readable(calendar_id, Actor::Api)?;
        if calendar.refuses_push {
            let message = "Push notifications are not supported by this resource.";
            return Err(Refusal::new(
                400,
                "calendar",
                "pushNotSupportedForRequestedResource",
                message,
            ));
        }
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let id = checked_id(text("id"))?;
        // Dead channels stay in the map: an id is for one channel only.
        if self.channels.contains_key(id) {
            return Err(Refusal::new(
                400,
                "global",
                "channelIdNotUnique",
                format!("Channel id {id} not unique"),
            ));
        }
        if !matches!(text("type"), "web_hook" | "webhook") {
            return Err(Refusal::new(
                400,
                "global",
                "channelTypeUnknown",
                "Unknown channel type.",
            ));
        }
        let address = checked_address(text("address"))?;
        if text("token").chars().count() > LONGEST_TOKEN {
            return Err(Refusal::invalid("The channel token is too long."));
        }
        let resource_uri = format!("{}/calendars/{calendar_id}/events?{query}", self.base_url);
        let channel = Channel {
            id: id.to_owned(),
            calendar_id: calendar_id.to_owned(),
            resource_id: resource_id(calendar_id, query),
            resource_uri,
            address,
            token: body.get("token").and_then(Value::as_str).map(str::to_owned),
            expires_at: self.now() + life(body, self.longest_channel_life)?,
            stopped: false,
            message_number: 1,
        };
        let mut answer = json!({
            "kind": "api#channel",
            "id": channel.id,
            "resourceId": channel.resource_id,
            "resourceUri": channel.resource_uri,
            "expiration": self.told(channel.expires_at).timestamp_millis().to_string(),
        });
        if let Some(token) = &channel.token {
            answer["token"] = json!(token);
        }
        self.notices.push(Notice {
            expires_at: self.told(channel.expires_at),
            channel: channel.clone(),
            state: "sync",
        });
        self.channels.insert(channel.id.clone(), channel);
        Ok(answer)
    }

    /// The end of a channel as clients are told it: by the machine's clock, since they live in it.
    pub(super) fn told(&self, expires_at: DateTime<Utc>) -> DateTime<Utc> {
        expires_at - TimeDelta::milliseconds(self.clock_ahead_ms)
    }

    /// Closes a channel for good.
    pub(super) fn stop(&mut self, body: &Map<String, Value>) -> Result<(), Refusal> {
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let (id, resource_id) = (text("id"), text("resourceId"));
        let now = self.now();
        let channel = self.channels.get_mut(id).filter(|channel| channel.is_live(now));
        let channel = channel
            .filter(|channel| channel.resource_id == resource_id)
            .ok_or_else(|| {
                Refusal::new(
                    404,
                    "global",
                    "notFound",
                    format!("Channel '{id}' not found for project 'stand-in'"),
                )
            })?;
        channel.stopped = true;
        Ok(())
    }

    /// Whether the channel of a notice may still be told.
    pub(super) fn is_live(&self, channel_id: &str) -> bool {
        self.channels
            .get(channel_id)
            .is_some_and(|channel| channel.is_live(self.now()))
    }

    /// Calls for a message to each live channel of a calendar. Message numbers rise with gaps, as Google's do.
    pub(super) fn announce_change(&mut self, calendar_id: &str) {
        let (now, ahead) = (self.now(), TimeDelta::milliseconds(self.clock_ahead_ms));
        for channel in self.channels.values_mut() {
            if channel.calendar_id == calendar_id && channel.is_live(now) {
                channel.message_number += rand::rng().random_range(1..=9);
                self.notices.push(Notice {
                    expires_at: channel.expires_at - ahead,
                    channel: channel.clone(),
                    state: "exists",
                });
            }
        }
    }
}

impl Channel {
    fn is_live(&self, now: DateTime<Utc>) -> bool {
        !self.stopped && now < self.expires_at
    }
}

fn checked_id(id: &str) -> Result<&str, Refusal> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+/=".contains(&byte);
    let fits = !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(allowed);
    if fits {
        Ok(id)
    } else {
        Err(Refusal::invalid("Invalid channel id."))
    }
}

/// https, or http on this machine: Google takes https only, and a local run has no certificate.
fn checked_address(address: &str) -> Result<String, Refusal> {
    let parsed = Url::parse(address).ok();
    let loopback = |url: &Url| matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    match parsed {
        Some(url) if url.scheme() == "https" || (url.scheme() == "http" && loopback(&url)) => {
            Ok(address.to_owned())
        }
        _ => {
            let message = format!("WebHook callback must be HTTPS: {address}");
            Err(Refusal::new(400, "global", "push.webhookUrlNotHttps", message))
        }
    }
}

/// What is asked for, up to `longest` seconds. An `expiration` is by the machine's clock, as the client's is.
fn life(body: &Map<String, Value>, longest: i64) -> Result<TimeDelta, Refusal> {
    let ttl = body.get("params").and_then(|params| params["ttl"].as_str());
    let expiration = body
        .get("expiration")
        .and_then(Value::as_str)
        .and_then(|ms| ms.parse::<i64>().ok());
    let seconds = match (ttl, expiration) {
        (Some(ttl), _) => ttl.parse::<i64>().ok().filter(|seconds| *seconds > 0),
        (None, Some(ms)) => {
            Some(ms.saturating_sub(Utc::now().timestamp_millis()) / 1000).filter(|seconds| *seconds > 0)
        }
        (None, None) => Some(LONGEST_LIFE),
    };
    let seconds = seconds.ok_or_else(|| Refusal::invalid("Invalid channel expiration."))?;
    Ok(TimeDelta::seconds(seconds.min(longest)))
}

/// Opaque, and the same for the same calendar and query.
fn resource_id(calendar_id: &str, query: &str) -> String {
    let digest = sha256(format!("{calendar_id}?{query}").as_bytes());
    URL_SAFE_NO_PAD.encode(&digest[..18])
}
