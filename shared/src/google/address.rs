//! Where each call goes.

use reqwest::Url;

/// The base address of the Calendar API, and the addresses under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiUrl(Url);

/// The address is no absolute http or https URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an http or https address")]
pub struct ApiUrlError;

impl ApiUrl {
    /// Reads an address such as `https://www.googleapis.com/calendar/v3`; a slash at its end makes no difference.
    pub fn parse(text: &str) -> Result<Self, ApiUrlError> {
        let mut url = Url::parse(text).map_err(|_| ApiUrlError)?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(ApiUrlError);
        }
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self(url))
    }

    pub(super) fn calendar(&self, calendar_id: &str) -> Url {
        self.join(&["calendars", calendar_id])
    }

    pub(super) fn events(&self, calendar_id: &str) -> Url {
        self.join(&["calendars", calendar_id, "events"])
    }

    pub(super) fn event(&self, calendar_id: &str, event_id: &str) -> Url {
        self.join(&["calendars", calendar_id, "events", event_id])
    }

    pub(super) fn events_watch(&self, calendar_id: &str) -> Url {
        self.join(&["calendars", calendar_id, "events", "watch"])
    }

    pub(super) fn channels_stop(&self) -> Url {
        self.join(&["channels", "stop"])
    }

    /// Adds path segments, each percent-encoded: a calendar id may hold `#`, `/` or `%`.
    fn join(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        // Only addresses without a host have no path segments, and those are not parsed.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_percent_encoded() {
        for base in [
            "http://127.0.0.1:9/calendar/v3",
            "http://127.0.0.1:9/calendar/v3/",
        ] {
            let url = ApiUrl::parse(base).unwrap();
            assert_eq!(
                url.event("pk.holidays#day/50%?@group.example.com", "a1").as_str(),
                "http://127.0.0.1:9/calendar/v3/calendars/pk.holidays%23day%2F50%25%3F@group.example.com/events/a1"
            );
        }
    }

    #[test]
    fn only_web_addresses_are_taken() {
        for text in ["", "calendar/v3", "ftp://example.com/", "data:text/plain,x"] {
            assert_eq!(ApiUrl::parse(text), Err(ApiUrlError));
        }
    }
}
