//! Whether a JSON value fits a schema of Google's discovery document.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde_json::Value;

/// Which way a value travels. Google reads more than it writes: a request may hold `null`, and a time without an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Request,
    Response,
}

/// The named schemas of the document.
pub(super) struct Schemas<'a> {
    pub(super) by_name: &'a Value,
    pub(super) direction: Direction,
}

impl Schemas<'_> {
    /// The first thing in `value` that does not fit `schema`, as `pointer: fault`.
    pub(super) fn check(&self, schema: &Value, value: &Value, pointer: &str) -> Result<(), String> {
        if let Some(name) = schema["$ref"].as_str() {
            let named = self
                .by_name
                .get(name)
                .ok_or_else(|| format!("{pointer}: no schema named {name}"))?;
            return self.check(named, value, pointer);
        }
        if value.is_null() && self.direction == Direction::Request {
            return Ok(());
        }
        match schema["type"].as_str().unwrap_or("any") {
            "object" => self.check_object(schema, value, pointer),
            "array" => self.check_array(schema, value, pointer),
            "string" => match value.as_str() {
                Some(text) => check_text(schema, text, self.direction).map_err(|e| format!("{pointer}: {e}")),
                None => Err(format!("{pointer}: not a string")),
            },
            "boolean" if !value.is_boolean() => Err(format!("{pointer}: not a boolean")),
            "integer" => check_integer(schema, value).map_err(|e| format!("{pointer}: {e}")),
            "number" if !value.is_number() => Err(format!("{pointer}: not a number")),
            _ => Ok(()),
        }
    }

    fn check_object(&self, schema: &Value, value: &Value, pointer: &str) -> Result<(), String> {
        let fields = value
            .as_object()
            .ok_or_else(|| format!("{pointer}: not an object"))?;
        for (name, value) in fields {
            let pointer = format!("{pointer}/{name}");
            let field = schema["properties"]
                .get(name)
                .or_else(|| schema.get("additionalProperties"));
            match field {
                Some(field) => self.check(field, value, &pointer)?,
                None => return Err(format!("{pointer}: unknown field")),
            }
        }
        Ok(())
    }

    fn check_array(&self, schema: &Value, value: &Value, pointer: &str) -> Result<(), String> {
        let items = value
            .as_array()
            .ok_or_else(|| format!("{pointer}: not an array"))?;
        for (index, item) in items.iter().enumerate() {
            let pointer = format!("{pointer}/{index}");
            if item.is_null() {
                return Err(format!("{pointer}: null in an array"));
            }
            self.check(&schema["items"], item, &pointer)?;
        }
        Ok(())
    }
}

/// Checks a string against the `format` and `enum` of its schema.
pub(super) fn check_text(schema: &Value, text: &str, direction: Direction) -> Result<(), String> {
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.iter().any(|value| value == text)
    {
        return Err(format!("{text:?} is not one of the values of this field"));
    }
    let fits = match schema["format"].as_str() {
        Some("date") => is_date(text),
        Some("date-time") => is_date_time(text, direction),
        Some("int64") => text.parse::<i64>().is_ok(),
        Some("uint64") => text.parse::<u64>().is_ok(),
        _ => true,
    };
    if fits {
        Ok(())
    } else {
        Err(format!(
            "{text:?} is no {}",
            schema["format"].as_str().unwrap_or_default()
        ))
    }
}

fn check_integer(schema: &Value, value: &Value) -> Result<(), String> {
    let number = value.as_i64().ok_or("not an integer")?;
    let fits = match schema["format"].as_str() {
        Some("int32") => i32::try_from(number).is_ok(),
        Some("uint32") => u32::try_from(number).is_ok(),
        _ => true,
    };
    if fits {
        Ok(())
    } else {
        Err("out of range".to_owned())
    }
}

fn is_date(text: &str) -> bool {
    // chrono alone would take "2026-1-2" and "+2026-01-02" too.
    text.len() == 10
        && text.starts_with(|c: char| c.is_ascii_digit())
        && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

fn is_date_time(text: &str, direction: Direction) -> bool {
    let shaped = text.len() >= 19 && text.as_bytes().get(10).is_some_and(|t| matches!(t, b'T' | b't'));
    let local = || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").is_ok();
    shaped && (DateTime::parse_from_rfc3339(text).is_ok() || (direction == Direction::Request && local()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fits(schema: &Value, value: &Value, direction: Direction) -> bool {
        Schemas {
            by_name: &Value::Null,
            direction,
        }
        .check(schema, value, "")
        .is_ok()
    }

    #[test]
    fn a_date_is_ten_characters() {
        let schema = json!({"type": "string", "format": "date"});
        assert!(fits(&schema, &json!("2026-12-01"), Direction::Response));
        for wrong in [
            "2026-12-1",
            "2026-02-30",
            "2026-12-01T00:00:00Z",
            "+026-12-01",
            "",
        ] {
            assert!(!fits(&schema, &json!(wrong), Direction::Response), "{wrong}");
        }
    }

    #[test]
    fn only_a_request_may_leave_out_the_offset() {
        let schema = json!({"type": "string", "format": "date-time"});
        assert!(fits(
            &schema,
            &json!("2026-12-01T09:00:00+05:00"),
            Direction::Response
        ));
        assert!(fits(&schema, &json!("2026-12-01T09:00:00"), Direction::Request));
        assert!(!fits(&schema, &json!("2026-12-01T09:00:00"), Direction::Response));
        assert!(!fits(&schema, &json!("2026-12-01 09:00:00Z"), Direction::Request));
    }

    #[test]
    fn int64_travels_as_a_string_and_int32_as_a_number() {
        assert!(fits(
            &json!({"type": "string", "format": "int64"}),
            &json!("1769000000000"),
            Direction::Response
        ));
        assert!(!fits(
            &json!({"type": "string", "format": "int64"}),
            &json!("soon"),
            Direction::Response
        ));
        assert!(!fits(
            &json!({"type": "integer", "format": "int32"}),
            &json!(3_000_000_000_u64),
            Direction::Request
        ));
        assert!(!fits(
            &json!({"type": "integer", "format": "int32"}),
            &json!("1"),
            Direction::Request
        ));
    }

    #[test]
    fn a_null_is_for_requests_and_never_in_an_array() {
        let schema = json!({"type": "array", "items": {"type": "string"}});
        assert!(fits(&schema, &Value::Null, Direction::Request));
        assert!(!fits(&schema, &Value::Null, Direction::Response));
        assert!(!fits(&schema, &json!([null]), Direction::Request));
    }
}
