//! `key NAME SCOPES`: prints a new API key, this once, and the entry of `API_KEYS` that lets it in (`make key`).

use std::io::{self, Write};
use std::process::ExitCode;

use secrecy::ExposeSecret;
use shared::auth::{NewKey, NewKeyError};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // With nobody to tell, the exit code still says it.
            let _ = writeln!(io::stderr(), "{message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let scopes = arguments.next().unwrap_or_default();
    let new = NewKey::make(&name, &scopes).map_err(|error| match error {
        NewKeyError::Name => format!("NAME {error}"),
        NewKeyError::Scopes => format!("SCOPES {error}"),
    })?;
    let lines = format!(
        "the key, for its bearer; it is shown this once:\n  {}\nits entry in API_KEYS:\n  {}",
        new.key.expose_secret(),
        new.entry
    );
    writeln!(io::stdout(), "{lines}").map_err(|error| error.to_string())
}
