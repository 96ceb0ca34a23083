//! When an event starts or ends: at an instant, or with a day.

use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::wall_clock::midnight;

/// Google's `EventDateTime`. A date is no instant: it has no zone and, as an end, it is exclusive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum EventTime {
    /// The day of an all-day event; as an end, the first day that the event no longer covers.
    Date {
        /// The day.
        date: NaiveDate,
    },
    /// The time of a timed event.
    #[serde(rename_all = "camelCase")]
    Timed {
        /// The instant, with the offset that Google wrote it with.
        date_time: DateTime<FixedOffset>,
        /// The IANA zone in which it recurs and is shown; absent when it is the calendar's own.
        #[serde(skip_serializing_if = "Option::is_none")]
        time_zone: Option<String>,
    },
}

impl EventTime {
    /// The instant that it names; of a day, its beginning in `zone`.
    pub fn instant(&self, zone: Tz) -> DateTime<Utc> {
        match self {
            Self::Date { date } => midnight(*date, zone),
            Self::Timed { date_time, .. } => date_time.to_utc(),
        }
    }
}

impl<'de> Deserialize<'de> for EventTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire {
            date: Option<NaiveDate>,
            date_time: Option<DateTime<FixedOffset>>,
            time_zone: Option<String>,
        }
        let Wire {
            date,
            date_time,
            time_zone,
        } = Wire::deserialize(deserializer)?;
        match (date, date_time) {
            (None, Some(date_time)) => Ok(Self::Timed { date_time, time_zone }),
            (Some(date), None) => Ok(Self::Date { date }),
            _ => Err(D::Error::custom("needs either date or dateTime")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_keeps_its_offset_and_zone_both_ways() {
        let wire = json!({"dateTime": "2026-12-01T09:00:00+05:00", "timeZone": "Asia/Karachi"});
        let time: EventTime = serde_json::from_value(wire.clone()).unwrap();
        assert!(matches!(&time, EventTime::Timed { time_zone: Some(zone), .. } if zone == "Asia/Karachi"));
        assert_eq!(serde_json::to_value(&time).unwrap(), wire);
    }

    #[test]
    fn a_date_is_not_a_time() {
        let time: EventTime = serde_json::from_value(json!({"date": "2026-12-01"})).unwrap();
        let date = NaiveDate::from_ymd_opt(2026, 12, 1).unwrap();
        assert_eq!(time, EventTime::Date { date });
    }

    #[test]
    fn neither_both_and_nonsense_are_refused() {
        for wire in [
            json!({}),
            json!({"timeZone": "Asia/Karachi"}),
            json!({"date": "2026-12-01", "dateTime": "2026-12-01T09:00:00Z"}),
            json!({"date": "2026-02-30"}),
            json!({"dateTime": "2026-12-01T09:00:00"}),
        ] {
            assert!(
                serde_json::from_value::<EventTime>(wire.clone()).is_err(),
                "{wire}"
            );
        }
    }
}
