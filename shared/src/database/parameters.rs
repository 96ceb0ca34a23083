//! A connection string taken apart: what comes before the parameters, and the parameters.

use percent_encoding::percent_decode_str;

use super::url::DatabaseUrlError;

/// A connection string of either of libpq's two forms.
#[derive(Clone)]
pub(super) struct ConnectionString {
    /// `postgres://user:password@host:5432/name`; empty in the other form.
    base: String,
    parameters: Vec<Parameter>,
}

/// One parameter.
#[derive(Clone)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) value: String,
}

impl ConnectionString {
    /// Takes `text` apart; neither base nor values are looked at.
    pub(super) fn split(text: &str) -> Result<Self, DatabaseUrlError> {
        let text = text.trim();
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            let parameters = key_values(text).ok_or(DatabaseUrlError::Form)?;
            return Ok(Self {
                base: String::new(),
                parameters,
            });
        }
        let (base, query) = text.split_once('?').unwrap_or((text, ""));
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        Ok(Self {
            base: base.to_owned(),
            parameters: pairs
                .map(Parameter::from_query)
                .collect::<Option<_>>()
                .ok_or(DatabaseUrlError::Form)?,
        })
    }

    /// Takes out the parameters that `wanted` names, the last of each name counting, as in libpq.
    pub(super) fn take(&mut self, wanted: impl Fn(&str) -> bool) -> Vec<Parameter> {
        self.parameters
            .extract_if(.., |parameter| wanted(&parameter.name))
            .collect()
    }

    /// What is still there.
    pub(super) fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// What is still there as tokio-postgres reads it.
    pub(super) fn config(&self) -> Result<tokio_postgres::Config, DatabaseUrlError> {
        for parameter in &self.parameters {
            let alone: Result<tokio_postgres::Config, _> = parameter.as_key_value().parse();
            if alone.is_err() {
                return Err(DatabaseUrlError::Value(parameter.name.clone()));
            }
        }
        let config = if self.base.is_empty() {
            let pairs: Vec<_> = self.parameters.iter().map(Parameter::as_key_value).collect();
            pairs.join(" ").parse()
        } else {
            let pairs: Vec<_> = self.parameters.iter().map(Parameter::as_query).collect();
            format!("{}?{}", self.base, pairs.join("&")).parse()
        };
        // The error's own words may quote what it stumbled over, and that may be a password.
        config.map_err(|_| DatabaseUrlError::Form)
    }
}

impl Parameter {
    fn from_query(pair: &str) -> Option<Self> {
        let (name, value) = pair.split_once('=')?;
        let decode = |text| percent_decode_str(text).decode_utf8().ok();
        Some(Self {
            name: decode(name)?.into_owned(),
            value: decode(value)?.into_owned(),
        })
    }

    fn as_query(&self) -> String {
        use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
        let value = utf8_percent_encode(&self.value, NON_ALPHANUMERIC);
        format!("{}={value}", self.name)
    }

    fn as_key_value(&self) -> String {
        let value = self.value.replace('\\', r"\\").replace('\'', r"\'");
        format!("{}='{value}'", self.name)
    }
}

/// Reads `host=localhost user='a b'`: spaces may surround the `=`, a backslash escapes.
fn key_values(text: &str) -> Option<Vec<Parameter>> {
    let mut parameters = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let name = name.trim_end();
        let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        if name.is_empty() || !is_name(name) {
            return None;
        }
        let (value, after) = value(after.trim_start())?;
        parameters.push(Parameter {
            name: name.to_owned(),
            value,
        });
        rest = after.trim_start();
    }
    Some(parameters)
}

/// Reads one value, and gives what follows it. `None` if a quote is not closed.
fn value(text: &str) -> Option<(String, &str)> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut characters = text.char_indices().skip(usize::from(quoted));
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => value.push(characters.next()?.1),
            '\'' if quoted => return Some((value, &text[at + 1..])),
            _ if !quoted && character.is_whitespace() => return Some((value, &text[at..])),
            _ => value.push(character),
        }
    }
    (!quoted).then_some((value, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        let split = ConnectionString::split(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let pairs = split.parameters.into_iter();
        pairs.map(|parameter| (parameter.name, parameter.value)).collect()
    }

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn both_forms_are_taken_apart() {
        assert_eq!(
            pairs("postgres://u:p@h/d?sslmode=require&options=endpoint%3Dep-cool-1"),
            owned(&[("sslmode", "require"), ("options", "endpoint=ep-cool-1")])
        );
        assert_eq!(
            pairs(r"host=h  user = 'a \'b\\' password=x\ y options=''"),
            owned(&[
                ("host", "h"),
                ("user", r"a 'b\"),
                ("password", "x y"),
                ("options", "")
            ])
        );
        assert_eq!(pairs("postgresql://h/d?"), owned(&[]));
    }

    #[test]
    fn what_is_neither_form_is_refused() {
        for text in [
            "localhost",
            "mysql://h/d",
            "host='h",
            "host=h user",
            "psql 'postgres://h/d'",
        ] {
            assert!(
                matches!(ConnectionString::split(text), Err(DatabaseUrlError::Form)),
                "{text}"
            );
        }
    }
}
