//! When a calendar needs a new channel; pure.

use chrono::TimeDelta;

use super::queries::{Channel, Watched};

/// A channel is replaced at the latest with less than this left: two hourly runs may fail, and a third one comes in time.
const LATEST_REPLACEMENT: TimeDelta = TimeDelta::hours(4);
/// So many pulls in a row that found what a channel had not told of make it silent. One may just have been faster than
/// the notification, which sets the count back when it comes.
const SILENT_AFTER: i32 = 3;
/// A calendar that refuses push is asked again so often: its owner may have moved it.
const ASK_AGAIN: TimeDelta = TimeDelta::days(1);

/// What the settings want of every calendar.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish<'a> {
    /// `WEBHOOK_URL`.
    pub(super) webhook_url: Option<&'a str>,
    /// The name of the current secret.
    pub(super) token_key: &'a str,
}

/// A channel to be opened.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Due<'a> {
    pub(super) address: &'a str,
    /// For the log.
    pub(super) because: &'static str,
}

/// The channel that a calendar needs, if it needs a new one.
pub(super) fn due<'a>(watched: &'a Watched, wish: Wish<'a>) -> Option<Due<'a>> {
    let refused_lately = watched
        .push_refused_at
        .is_some_and(|at| watched.now - at < ASK_AGAIN);
    if refused_lately {
        return None;
    }
    let Some(channel) = &watched.channel else {
        return wish.webhook_url.map(|address| Due {
            address,
            because: "there is none",
        });
    };
    // An address that was given to setup-watch stays until the setting itself changes.
    let changed = wish
        .webhook_url
        .filter(|url| watched.webhook_url.as_deref().is_some_and(|known| known != *url));
    let address = changed.unwrap_or(&channel.address);
    let life_left = channel.expires_at - watched.now;
    let a_fifth = (channel.expires_at - channel.created_at) / 5;
    let because = if address != channel.address {
        "WEBHOOK_URL has changed"
    } else if life_left < a_fifth.max(LATEST_REPLACEMENT) {
        "the old one ends soon"
    } else if channel.token_key != wish.token_key {
        "WEBHOOK_SECRET has changed"
    } else if channel.is_silent() {
        "the old one is silent"
    } else {
        return None;
    };
    Some(Due { address, because })
}

impl Channel {
    /// Whether it has told nothing while pulls kept finding changes.
    pub fn is_silent(&self) -> bool {
        self.untold >= SILENT_AFTER
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;

    const HOOK: &str = "https://hook.example.com/calendar/webhook";
    const ELSEWHERE: &str = "https://elsewhere.example.com/calendar/webhook";
    const WISH: Wish<'_> = Wish {
        webhook_url: Some(HOOK),
        token_key: "current",
    };

    /// Watched by a channel that was given so many hours, so many hours ago.
    fn watched(life: i64, age: i64) -> Watched {
        let now: DateTime<Utc> = "2026-11-01T00:00:00Z".parse().unwrap();
        let created_at = now - TimeDelta::hours(age);
        Watched {
            channel: Some(Channel {
                address: HOOK.into(),
                token_key: "current".into(),
                created_at,
                expires_at: created_at + TimeDelta::hours(life),
                untold: 2,
            }),
            last_notification_at: None,
            push_refused_at: None,
            webhook_url: Some(HOOK.into()),
            now,
        }
    }

    fn with_channel(change: impl Fn(&mut Channel)) -> Watched {
        let mut watched = watched(168, 1);
        watched.channel.iter_mut().for_each(change);
        watched
    }

    fn because(watched: &Watched, wish: Wish<'_>) -> Option<&'static str> {
        due(watched, wish).map(|due| due.because)
    }

    #[test]
    fn a_channel_is_replaced_with_a_fifth_of_its_life_left_and_two_hourly_runs_to_go() {
        assert_eq!(because(&watched(168, 134), WISH), None);
        assert_eq!(because(&watched(168, 135), WISH), Some("the old one ends soon"));
        assert_eq!(because(&watched(10, 6), WISH), None);
        assert_eq!(because(&watched(10, 7), WISH), Some("the old one ends soon"));
        assert_eq!(because(&watched(10, 11), WISH), Some("the old one ends soon"));
    }

    #[test]
    fn without_a_channel_one_is_opened_if_it_is_known_where_to() {
        let mut watched = watched(168, 1);
        watched.channel = None;
        assert_eq!(due(&watched, WISH).map(|due| due.address), Some(HOOK));
        let nowhere = Wish {
            webhook_url: None,
            ..WISH
        };
        assert_eq!(due(&watched, nowhere), None);
    }

    #[test]
    fn an_address_stays_until_the_setting_changes() {
        let elsewhere = with_channel(|channel| channel.address = ELSEWHERE.into());
        let never_seen = Watched {
            webhook_url: None,
            ..elsewhere.clone()
        };
        let without = Wish {
            webhook_url: None,
            ..WISH
        };
        for (watched, wish) in [(&elsewhere, WISH), (&never_seen, WISH), (&elsewhere, without)] {
            assert_eq!(due(watched, wish), None);
        }
        let as_set = watched(168, 1);
        let moved = Wish {
            webhook_url: Some(ELSEWHERE),
            ..WISH
        };
        let due = due(&as_set, moved);
        let expected = Due {
            address: ELSEWHERE,
            because: "WEBHOOK_URL has changed",
        };
        assert_eq!(due, Some(expected));
    }

    #[test]
    fn a_channel_of_an_old_secret_and_a_silent_one_are_replaced_where_they_are() {
        let old = with_channel(|channel| channel.token_key = "old".into());
        assert_eq!(because(&old, WISH), Some("WEBHOOK_SECRET has changed"));
        let silent = with_channel(|channel| channel.untold = 3);
        assert_eq!(because(&silent, WISH), Some("the old one is silent"));
    }

    #[test]
    fn a_calendar_that_refuses_push_is_asked_again_a_day_later() {
        let mut watched = watched(168, 1);
        watched.channel = None;
        watched.push_refused_at = Some(watched.now - TimeDelta::hours(23));
        assert_eq!(due(&watched, WISH), None);
        watched.push_refused_at = Some(watched.now - TimeDelta::hours(25));
        assert_eq!(because(&watched, WISH), Some("there is none"));
    }
}
