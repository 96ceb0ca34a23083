//! Reading what a caller sent: every fault is collected and named by its place, so that one answer tells all.
//!
//! A reader takes fields out one by one; what is left at the end is unknown and a fault too.

mod window;

use std::ops::RangeInclusive;

use crate::private::private;
use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

pub use window::LONGEST_WINDOW;

/// One fault of a request: where, as a JSON pointer (a query parameter is `/name`), and what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// JSON pointer (RFC 6901) into the body.
    pub pointer: String,
    /// What is wrong and what would be right; never the value itself, which may be a patient's.
    pub detail: String,
}

impl Fault {
    /// A fault of the top-level field `name`.
    pub fn of(name: &str, detail: impl Into<String>) -> Self {
        let escaped = name.replace('~', "~0").replace('/', "~1");
        Self {
            pointer: format!("/{escaped}"),
            detail: detail.into(),
        }
    }
}

/// What a merge patch (RFC 7396) says of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patch<T> {
    /// Not mentioned.
    Keep,
    /// `null`.
    Clear,
    /// A new value.
    Set(T),
}

impl<T> Patch<T> {
    /// The value where one was given; `null` and absence are the same, as in a creation.
    pub fn into_value(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }
}

/// How a text may look.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    /// Most characters.
    pub max: usize,
    /// Whether line breaks and tabs may stand in it.
    pub multiline: bool,
}

/// Takes typed fields out of a JSON object, noting every fault.
#[cfg_attr(test, derive(Debug))]
pub struct Reader {
    fields: Map<String, Value>,
    faults: Vec<Fault>,
    /// There every value comes as text.
    in_query: bool,
}

private!(Reader);

impl Reader {
    /// A reader of a request body, which must be an object.
    pub fn of_body(body: Value) -> Result<Self, Vec<Fault>> {
        match body {
            Value::Object(fields) => Ok(Self {
                fields,
                faults: Vec::new(),
                in_query: false,
            }),
            _ => Err(vec![Fault {
                pointer: String::new(),
                detail: "must be a JSON object".into(),
            }]),
        }
    }

    /// A reader of query parameters, of which each may stand once.
    pub fn of_query(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut reader = Self {
            fields: Map::new(),
            faults: Vec::new(),
            in_query: true,
        };
        for (name, value) in pairs {
            if reader.fields.contains_key(&name) {
                reader.fault(&name, "must be given once");
            } else {
                reader.fields.insert(name, Value::String(value));
            }
        }
        reader
    }

    /// Notes a fault of `name`.
    pub fn fault(&mut self, name: &str, detail: impl Into<String>) {
        self.faults.push(Fault::of(name, detail));
    }

    /// Whether the field is there, `null` included.
    pub fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    /// Ends the reading: the value that was built, or every fault, unknown fields included.
    pub fn finish<T>(mut self, value: Option<T>) -> Result<T, Vec<Fault>> {
        for name in self.fields.keys() {
            self.faults.push(Fault::of(name, "is not a known field"));
        }
        match value {
            Some(value) if self.faults.is_empty() => Ok(value),
            _ => Err(self.faults),
        }
    }

    /// A field parsed by `parse`, whose error is the fault's detail.
    pub fn read<T>(&mut self, name: &str, parse: impl FnOnce(&Value) -> Result<T, String>) -> Patch<T> {
        match self.fields.remove(name) {
            None => Patch::Keep,
            Some(Value::Null) => Patch::Clear,
            Some(value) => match parse(&value) {
                Ok(parsed) => Patch::Set(parsed),
                Err(detail) => {
                    self.fault(name, detail);
                    Patch::Keep
                }
            },
        }
    }

    /// A field that must be there.
    pub fn required<T>(&mut self, name: &str, parse: impl FnOnce(&Value) -> Result<T, String>) -> Option<T> {
        let faults_before = self.faults.len();
        let value = self.read(name, parse).into_value();
        if value.is_none() && self.faults.len() == faults_before {
            self.fault(name, "is required");
        }
        value
    }

    /// An optional text; a blank one is the same as `null`.
    pub fn text(&mut self, name: &str, shape: Text) -> Patch<String> {
        match self.read(name, |value| text(value, shape)) {
            Patch::Set(text) if text.is_empty() => Patch::Clear,
            other => other,
        }
    }

    /// A text that must be there and not be blank.
    pub fn required_text(&mut self, name: &str, shape: Text) -> Option<String> {
        self.required(name, |value| match text(value, shape)? {
            text if text.is_empty() => Err("must not be blank".into()),
            text => Ok(text),
        })
    }

    /// A whole number within `range`: a JSON number, or digits in a query.
    pub fn whole_number(&mut self, name: &str, range: RangeInclusive<i64>) -> Patch<i64> {
        let in_query = self.in_query;
        self.read(name, |value| match value.as_str().filter(|_| in_query) {
            Some(digits) => whole_number(&digits.parse::<i64>().map_or(Value::Null, Value::from), range),
            None => whole_number(value, range),
        })
    }

    /// A flag, false where absent.
    pub fn flag(&mut self, name: &str) -> bool {
        self.read(name, |value| {
            value.as_bool().ok_or_else(|| "must be true or false".into())
        })
        .into_value()
        .unwrap_or(false)
    }
}

/// A text without surrounding space, with `\n` line ends; control characters are refused. It is judged as it was sent, so
/// that a schema can say the same.
pub fn text(value: &Value, shape: Text) -> Result<String, String> {
    let sent = value.as_str().ok_or("must be a string")?;
    let text = sent.replace("\r\n", "\n");
    if text
        .chars()
        .any(|c| c.is_control() && !(shape.multiline && matches!(c, '\n' | '\t')))
    {
        return Err("must not contain control characters".into());
    }
    if sent.chars().count() > shape.max {
        return Err(format!("must be at most {} characters long", shape.max));
    }
    Ok(text.trim().to_owned())
}

/// The years in which times may lie, on the wall clock that they are written for.
pub const YEARS: RangeInclusive<i32> = 1970..=2100;

/// An RFC 3339 time with an offset, in [`YEARS`]; fractions of a second are dropped, since
/// calendars keep none, and a leap second is the second after it.
pub fn time(value: &Value) -> Result<DateTime<Utc>, String> {
    const SHAPE: &str = "must be an RFC 3339 time with an offset, such as 2026-12-01T09:00:00+05:00";
    let text = value.as_str().ok_or(SHAPE)?;
    // chrono also takes the minus sign of typographers, U+2212.
    let written = Some(text)
        .filter(|text| text.is_ascii())
        .and_then(|text| DateTime::parse_from_rfc3339(text).ok())
        .ok_or(SHAPE)?;
    let time = written.to_utc();
    // chrono writes a leap second as more than a second's worth of nanoseconds.
    let leap = TimeDelta::seconds((time.nanosecond() / 1_000_000_000).into());
    let time = time.with_nanosecond(0).ok_or(SHAPE)? + leap;
    if YEARS.contains(&written.year()) {
        Ok(time)
    } else {
        Err("must lie in the years 1970 to 2100".into())
    }
}

/// A whole number within `range`.
fn whole_number(value: &Value, range: RangeInclusive<i64>) -> Result<i64, String> {
    // 30.0 is the same JSON number as 30.
    let number = value.as_i64().or_else(|| {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "fract() == 0 and the range is checked below"
        )]
        value
            .as_f64()
            .filter(|n| n.fract() == 0.0 && n.abs() < 1e15)
            .map(|n| n as i64)
    });
    number
        .filter(|n| range.contains(n))
        .ok_or_else(|| format!("must be a whole number from {} to {}", range.start(), range.end()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const LINE: Text = Text {
        max: 5,
        multiline: false,
    };

    #[test]
    fn every_fault_is_named_at_once() {
        let mut reader = Reader::of_body(json!({"a": 1, "b": "x\u{0}", "c/d": true, "e": "123456"})).unwrap();
        assert_eq!(reader.required_text("a", LINE), None);
        assert_eq!(reader.text("b", LINE), Patch::Keep);
        reader.text("e", LINE);
        reader.required("f", time);
        let faults = reader.finish(Some(())).unwrap_err();
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/a", "/b", "/e", "/f", "/c~1d"]);
    }

    #[test]
    fn a_merge_patch_tells_absence_from_null() {
        let mut reader = Reader::of_body(json!({"a": null, "b": " x "})).unwrap();
        assert_eq!(reader.text("a", LINE), Patch::Clear);
        assert_eq!(reader.text("b", LINE), Patch::Set("x".into()));
        assert_eq!(reader.text("c", LINE), Patch::Keep);
        assert_eq!(reader.finish(Some(1)), Ok(1));
    }

    #[test]
    fn times_need_an_offset_and_a_sane_year() {
        assert_eq!(
            time(&json!("2026-12-01T09:00:00.9+05:00")).unwrap().to_rfc3339(),
            "2026-12-01T04:00:00+00:00"
        );
        let leap = time(&json!("2027-01-01T04:59:60.5+05:00")).unwrap();
        assert_eq!(leap, time(&json!("2027-01-01T00:00:00Z")).unwrap());
        assert_eq!(
            (leap + TimeDelta::minutes(30)).to_rfc3339(),
            "2027-01-01T00:30:00+00:00"
        );
        for bad in [
            json!("2026-12-01T09:00:00"),
            json!("2026-13-01T09:00:00Z"),
            json!("2026-12-01T09:00:00\u{2212}05:00"),
            json!("soon"),
            json!(5),
        ] {
            assert!(time(&bad).unwrap_err().contains("RFC 3339"), "{bad}");
        }
    }

    #[test]
    fn years_count_as_they_are_written_from_1970_to_2100() {
        for good in [
            "1970-01-01T00:00:00Z",
            "1970-01-01T00:00:00+05:00",
            "2100-12-31T23:59:59.999Z",
            "2100-12-31T23:59:60Z",
            "2100-12-31T20:00:00-05:00",
        ] {
            assert!(time(&json!(good)).is_ok(), "{good}");
        }
        for bad in [
            "1969-12-31T23:59:59Z",
            "1969-12-31T23:59:59-05:00",
            "2101-01-01T00:00:00Z",
            "2101-01-01T04:59:59+05:00",
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59-23:59",
        ] {
            assert!(time(&json!(bad)).unwrap_err().contains("1970 to 2100"), "{bad}");
        }
        // 2100 is no leap year.
        assert!(
            time(&json!("2100-02-29T00:00:00Z"))
                .unwrap_err()
                .contains("RFC 3339")
        );
    }

    #[test]
    fn whole_numbers_keep_their_range() {
        assert_eq!(whole_number(&json!(30), 1..=60), Ok(30));
        assert_eq!(whole_number(&json!(30.0), 1..=60), Ok(30));
        for bad in [
            json!(0),
            json!(61),
            json!(1.5),
            json!("30"),
            json!(true),
            json!(1e300),
        ] {
            assert!(whole_number(&bad, 1..=60).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_query_parameter_stands_once() {
        let pairs = [("a", "1"), ("a", "2")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let mut reader = Reader::of_query(pairs);
        reader.text("a", LINE);
        assert_eq!(
            reader.finish(Some(())).unwrap_err()[0].detail,
            "must be given once"
        );
    }
}
