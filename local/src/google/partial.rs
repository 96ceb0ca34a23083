//! Partial answers: the `fields` parameter, such as `nextPageToken,items(id,start/dateTime)`.

use serde_json::{Map, Value};

/// What a selector keeps of one value; no entries keep it whole.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Selection(Vec<(String, Selection)>);

impl Selection {
    /// Reads a selector; an error names what cannot be read.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text;
        let selection = Self::parse_list(&mut rest)?;
        if rest.is_empty() {
            Ok(selection)
        } else {
            Err(format!("Invalid field selection {rest}"))
        }
    }

    fn parse_list(rest: &mut &str) -> Result<Self, String> {
        let mut entries = Vec::new();
        loop {
            entries.push(Self::parse_path(rest)?);
            match rest.strip_prefix(',') {
                Some(next) => *rest = next,
                None => return Ok(Self(entries)),
            }
        }
    }

    fn parse_path(rest: &mut &str) -> Result<(String, Self), String> {
        let end = rest.find([',', '/', '(', ')']).unwrap_or(rest.len());
        let (name, next) = rest.split_at(end);
        if name.is_empty() {
            return Err(format!("Invalid field selection {rest}"));
        }
        *rest = next;
        let inner = if let Some(next) = rest.strip_prefix('/') {
            *rest = next;
            Self(vec![Self::parse_path(rest)?])
        } else if let Some(next) = rest.strip_prefix('(') {
            *rest = next;
            let list = Self::parse_list(rest)?;
            *rest = rest
                .strip_prefix(')')
                .ok_or_else(|| format!("Invalid field selection {name}("))?;
            list
        } else {
            Self::default()
        };
        Ok((name.to_owned(), inner))
    }

    /// What the selector keeps of an answer.
    pub(super) fn of(&self, value: &Value) -> Value {
        match value {
            _ if self.0.is_empty() => value.clone(),
            Value::Array(items) => items.iter().map(|item| self.of(item)).collect(),
            Value::Object(fields) => Value::Object(self.of_fields(fields)),
            _ => value.clone(),
        }
    }

    fn of_fields(&self, fields: &Map<String, Value>) -> Map<String, Value> {
        let mut kept = Map::new();
        for (name, inner) in &self.0 {
            for (field, value) in fields.iter().filter(|(field, _)| name == "*" || name == *field) {
                match (
                    kept.get_mut(field).and_then(Value::as_object_mut),
                    inner.of(value),
                ) {
                    // `start/date,start/timeZone` names one object twice.
                    (Some(earlier), Value::Object(more)) => earlier.extend(more),
                    (_, part) => {
                        kept.insert(field.clone(), part);
                    }
                }
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_selector_keeps_what_it_names() {
        let answer = json!({
            "kind": "k", "nextPageToken": "t",
            "items": [{"id": "a", "start": {"date": "d", "timeZone": "z"}}, {"id": "b", "end": {}}],
        });
        for (selector, kept) in [
            ("nextPageToken", json!({"nextPageToken": "t"})),
            ("items(id)", json!({"items": [{"id": "a"}, {"id": "b"}]})),
            (
                "kind,items/start/date",
                json!({"kind": "k", "items": [{"start": {"date": "d"}}, {}]}),
            ),
            (
                "items(start/date,start/timeZone)",
                json!({"items": [{"start": {"date": "d", "timeZone": "z"}}, {}]}),
            ),
            ("*", answer.clone()),
        ] {
            assert_eq!(
                Selection::parse(selector).unwrap().of(&answer),
                kept,
                "{selector}"
            );
        }
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for wrong in ["", "items(", "items(id", "items)id", "a,,b", "a/"] {
            assert!(Selection::parse(wrong).is_err(), "{wrong}");
        }
    }
}
