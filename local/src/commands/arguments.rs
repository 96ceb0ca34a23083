//! `--name value` pairs.

/// The value after `--name`, if it is there.
pub(super) fn value<'a>(arguments: &'a [String], name: &str) -> Option<&'a str> {
    let position = arguments.iter().position(|argument| argument == name)?;
    arguments.get(position + 1).map(String::as_str)
}

/// The port after `--name`.
pub(super) fn port(arguments: &[String], name: &str) -> Result<u16, String> {
    let text = value(arguments, name).ok_or_else(|| format!("{name} PORT is missing"))?;
    text.parse()
        .map_err(|_| format!("{name} should be a port, not {text}"))
}
