//! Where a page of a list ended: opaque to callers, the last row's `starts_at` and id to us.

use chrono::{DateTime, Datelike, Utc};
use uuid::Uuid;

/// The position after one row of a list ordered by `starts_at, id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The last row's start.
    pub starts_at: DateTime<Utc>,
    /// The last row's id.
    pub id: Uuid,
}

impl Cursor {
    /// The text that a caller hands back.
    pub fn encode(self) -> String {
        format!(
            "{:016x}{}",
            self.starts_at.timestamp_micros().cast_unsigned(),
            self.id.simple()
        )
    }

    /// The cursor that [`encode`](Self::encode) made; `None` for anything else.
    pub fn decode(text: &str) -> Option<Self> {
        if text.len() != 48 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let (micros, id) = text.split_at(16);
        let micros = u64::from_str_radix(micros, 16).ok()?.cast_signed();
        // Calendars know these years, and PostgreSQL not all of chrono's.
        let starts_at =
            DateTime::from_timestamp_micros(micros).filter(|at| (0..=9999).contains(&at.year()))?;
        Some(Self {
            starts_at,
            id: Uuid::try_parse(id).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_we_made_is_read_back() {
        let cursor = Cursor {
            starts_at: DateTime::from_timestamp_micros(1_796_097_600_000_001).unwrap(),
            id: Uuid::now_v7(),
        };
        assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        // In the year 7536 before Christ.
        let too_early = format!(
            "{:016x}{}",
            (-300_000_000_000_000_000_i64).cast_unsigned(),
            cursor.id.simple()
        );
        for bad in [
            "",
            "x",
            "é",
            &"7f".repeat(24),
            &"0".repeat(47),
            &"g".repeat(48),
            &too_early,
        ] {
            assert_eq!(Cursor::decode(bad), None, "{bad}");
        }
    }
}
