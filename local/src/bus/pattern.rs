//! EventBridge event patterns: the operators that a rule of ours may come to use.

use serde_json::Value;

/// A pattern as it stands in a template: every field named must match, one alternative of each suffices.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern(Value);

impl Pattern {
    /// A pattern.
    #[must_use]
    pub fn new(pattern: Value) -> Self {
        Self(pattern)
    }

    /// Whether a rule with this pattern takes the event.
    pub fn matches(&self, event: &Value) -> bool {
        matches(&self.0, Some(event))
    }

    /// As `DescribeRule` shows it.
    pub(super) fn text(&self) -> String {
        self.0.to_string()
    }
}

fn matches(pattern: &Value, value: Option<&Value>) -> bool {
    match pattern {
        Value::Object(fields) => fields
            .iter()
            .all(|(name, pattern)| matches(pattern, value.and_then(|value| value.get(name)))),
        Value::Array(alternatives) => match value {
            // An array in the event matches when one of its elements does.
            Some(Value::Array(elements)) => elements
                .iter()
                .any(|element| alternatives.iter().any(|one| accepts(one, Some(element)))),
            value => alternatives.iter().any(|one| accepts(one, value)),
        },
        // EventBridge refuses such a pattern when the rule is made.
        _ => false,
    }
}

/// Whether one alternative, a plain value or one operator, accepts the value of the field.
fn accepts(alternative: &Value, value: Option<&Value>) -> bool {
    let Value::Object(operator) = alternative else {
        return value.is_some_and(|value| equal(alternative, value));
    };
    let Some((name, operand)) = operator.iter().next() else {
        return false;
    };
    match (name.as_str(), operand, value) {
        ("exists", Value::Bool(wanted), value) => value.is_some() == *wanted,
        ("prefix", Value::String(prefix), Some(Value::String(text))) => text.starts_with(prefix.as_str()),
        ("suffix", Value::String(suffix), Some(Value::String(text))) => text.ends_with(suffix.as_str()),
        ("anything-but", Value::Array(refused), Some(value)) => !refused.iter().any(|one| equal(one, value)),
        ("anything-but", Value::Object(_), Some(value)) => !accepts(operand, Some(value)),
        ("anything-but", refused, Some(value)) => !equal(refused, value),
        ("numeric", Value::Array(conditions), Some(Value::Number(number))) => {
            number.as_f64().is_some_and(|number| in_range(conditions, number))
        }
        _ => false,
    }
}

/// `300`, `300.0` and `3e2` are one number.
fn equal(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => (one - other).abs() < f64::EPSILON,
        _ => one == other,
    }
}

/// Conditions come in pairs: `[">", 0, "<=", 5]`.
fn in_range(conditions: &[Value], number: f64) -> bool {
    conditions.chunks(2).all(|pair| {
        let [Value::String(operator), limit] = pair else {
            return false;
        };
        let Some(limit) = limit.as_f64() else { return false };
        match operator.as_str() {
            "=" => (number - limit).abs() < f64::EPSILON,
            "<" => number < limit,
            "<=" => number <= limit,
            ">" => number > limit,
            ">=" => number >= limit,
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn operators_accept_what_eventbridge_accepts() {
        let event = json!({
            "source": "appointment-sync",
            "detail": {"origin": "api", "version": 3, "tags": ["a", "b"], "notes": null}
        });
        let cases = [
            (json!({"source": ["appointment-sync"]}), true),
            (json!({"source": ["other", "appointment-sync"]}), true),
            (json!({"source": ["other"]}), false),
            (
                json!({"source": ["appointment-sync"], "detail": {"origin": ["google_calendar"]}}),
                false,
            ),
            (json!({"detail": {"origin": [{"prefix": "a"}]}}), true),
            (json!({"detail": {"origin": [{"prefix": "b"}]}}), false),
            (json!({"detail": {"origin": [{"suffix": "pi"}]}}), true),
            (
                json!({"detail": {"origin": [{"anything-but": "google_calendar"}]}}),
                true,
            ),
            (
                json!({"detail": {"origin": [{"anything-but": ["api", "x"]}]}}),
                false,
            ),
            (
                json!({"detail": {"origin": [{"anything-but": {"prefix": "a"}}]}}),
                false,
            ),
            (json!({"detail": {"absent": [{"anything-but": "x"}]}}), false),
            (json!({"detail": {"absent": [{"exists": false}]}}), true),
            (json!({"detail": {"origin": [{"exists": true}]}}), true),
            (json!({"detail": {"version": [3.0]}}), true),
            (
                json!({"detail": {"version": [{"numeric": [">", 1, "<=", 3]}]}}),
                true,
            ),
            (json!({"detail": {"version": [{"numeric": [">", 3]}]}}), false),
            (json!({"detail": {"tags": ["b"]}}), true),
            (json!({"detail": {"notes": [null]}}), true),
            (json!({"detail": {"absent": [null]}}), false),
            (json!({"detail": {"origin": {"deeper": ["x"]}}}), false),
        ];
        for (pattern, expected) in cases {
            assert_eq!(
                Pattern::new(pattern.clone()).matches(&event),
                expected,
                "{pattern}"
            );
        }
    }
}
