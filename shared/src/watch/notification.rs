//! A notification as Google sends it: headers, no body. Only a verified one can be made into this type.

use http::HeaderMap;

use super::Secrets;

/// Google's longest channel id; ours are shorter.
const LONGEST_ID: usize = 64;

/// A notification of a channel that was opened with one of our secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// `X-Goog-Channel-ID`.
    pub channel_id: String,
    /// `X-Goog-Message-Number`: rises, with gaps.
    pub message_number: i64,
    /// `X-Goog-Resource-ID`, with which the channel can be stopped.
    pub resource_id: String,
    /// Whether something changed (`exists`, `not_exists`), or this only confirms the channel (`sync`).
    pub is_change: bool,
}

/// Why a request is no notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotVerified {
    /// It does not look like one of Google's.
    Malformed,
    /// Its token is not ours.
    Forged,
}

impl Notification {
    /// Reads and verifies a notification; nothing is looked up.
    pub fn verify(headers: &HeaderMap, secrets: &Secrets) -> Result<Self, NotVerified> {
        let header = |name| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .filter(|text| !text.is_empty())
        };
        let channel_id = header("x-goog-channel-id").filter(|id| id.len() <= LONGEST_ID);
        let resource_id = header("x-goog-resource-id").filter(|id| id.len() <= 1024);
        let message_number = header("x-goog-message-number")
            .and_then(|text| text.parse().ok())
            .filter(|n| *n > 0);
        let (Some(channel_id), Some(resource_id), Some(message_number), Some(state)) = (
            channel_id,
            resource_id,
            message_number,
            header("x-goog-resource-state"),
        ) else {
            return Err(NotVerified::Malformed);
        };
        if !secrets.verify(channel_id, header("x-goog-channel-token").unwrap_or_default()) {
            return Err(NotVerified::Forged);
        }
        Ok(Self {
            channel_id: channel_id.to_owned(),
            message_number,
            resource_id: resource_id.to_owned(),
            // A state that we do not know may mean a change.
            is_change: state != "sync",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use secrecy::SecretString;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect()
    }

    fn secrets() -> Secrets {
        Secrets::new(vec![SecretString::from("a-secret-of-some-length")]).unwrap()
    }

    #[test]
    fn only_a_good_token_makes_a_notification() {
        let secrets = secrets();
        let token = secrets.sign("c1");
        let all = [
            ("x-goog-channel-id", "c1"),
            ("x-goog-message-number", "7"),
            ("x-goog-resource-id", "r1"),
            ("x-goog-resource-state", "exists"),
            ("x-goog-channel-token", token.as_str()),
        ];
        let good = Notification::verify(&headers(&all), &secrets).unwrap();
        assert!(good.is_change && good.message_number == 7);
        assert_eq!(
            Notification::verify(&headers(&all[..4]), &secrets),
            Err(NotVerified::Forged)
        );
        for missing in 0..4 {
            let mut some = all.to_vec();
            some.remove(missing);
            assert_eq!(
                Notification::verify(&headers(&some), &secrets),
                Err(NotVerified::Malformed)
            );
        }
    }

    #[test]
    fn headers_that_are_no_text_are_malformed() {
        let mut odd = headers(&[
            ("x-goog-message-number", "1"),
            ("x-goog-resource-id", "r"),
            ("x-goog-resource-state", "sync"),
        ]);
        odd.insert("x-goog-channel-id", HeaderValue::from_bytes(b"\xff\xfe").unwrap());
        assert_eq!(
            Notification::verify(&odd, &secrets()),
            Err(NotVerified::Malformed)
        );
    }
}
