//! A calendar, and the channel on which it notifies us.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::SerializeMap};

/// A calendar that we may see.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Calendar {
    /// Google's name for it; of a primary calendar, its owner's address.
    pub id: String,
    /// Its title.
    pub summary: Option<String>,
    /// Its IANA zone.
    pub time_zone: Option<String>,
}

/// What we may do in a calendar, as its listings say.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::google) struct Access {
    access_role: String,
}

impl Access {
    pub(in crate::google) fn may_write(&self) -> bool {
        matches!(self.access_role.as_str(), "writer" | "owner")
    }
}

/// A request to be notified of changes.
#[derive(Debug, Clone)]
pub struct NewChannel<'a> {
    /// Chosen by us, at most 64 characters, never used before.
    pub id: &'a str,
    /// Where notifications go; https.
    pub address: &'a str,
    /// Comes back with every notification; at most 256 characters.
    pub token: &'a str,
    /// How long we would like it to live; Google may shorten it.
    pub lifetime: Duration,
}

impl Serialize for NewChannel<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Params {
            ttl: String,
        }
        let mut channel = serializer.serialize_map(Some(5))?;
        channel.serialize_entry("id", self.id)?;
        channel.serialize_entry("type", "web_hook")?;
        channel.serialize_entry("address", self.address)?;
        channel.serialize_entry("token", self.token)?;
        let ttl = self.lifetime.as_secs().to_string();
        channel.serialize_entry("params", &Params { ttl })?;
        channel.end()
    }
}

/// A channel that Google opened.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Channel {
    /// As we chose it.
    pub id: String,
    /// Google's name for what is watched; needed to stop the channel.
    pub resource_id: String,
    /// When it falls silent, whatever we asked for.
    #[serde(deserialize_with = "milliseconds")]
    pub expiration: DateTime<Utc>,
}

/// Google writes 64-bit numbers as strings.
fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse()
        .ok()
        .and_then(DateTime::from_timestamp_millis)
        .ok_or_else(|| D::Error::custom("needs milliseconds since 1970 as a string"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_channel_expires_when_the_answer_says() {
        let wire = json!({
            "kind": "api#channel", "id": "c1", "resourceId": "r1", "resourceUri": "https://example.com/",
            "expiration": "1796000000000",
        });
        let channel: Channel = serde_json::from_value(wire).unwrap();
        assert_eq!(channel.expiration.timestamp(), 1_796_000_000);
    }

    #[test]
    fn a_new_channel_asks_for_its_lifetime_in_seconds() {
        let channel = NewChannel {
            id: "c1",
            address: "https://example.com/calendar/webhook",
            token: "t",
            lifetime: Duration::from_hours(7 * 24),
        };
        let expected = json!({
            "id": "c1", "type": "web_hook", "address": "https://example.com/calendar/webhook", "token": "t",
            "params": {"ttl": "604800"},
        });
        assert_eq!(serde_json::to_value(channel).unwrap(), expected);
    }
}
