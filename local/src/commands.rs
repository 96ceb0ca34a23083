//! The commands of the `local` binary, which the Makefile calls.

mod arguments;
mod bus;
mod function;
mod google;
mod invoke;
mod person;
mod run;
mod with_postgres;

use std::io::{self, Write};
use std::process::ExitCode;

const USAGE: &str = "\
usage: local COMMAND
  run                                      everything, until Ctrl-C (`make run`)
  invoke PAYLOAD [APPOINTMENT]             hand a payload of events/ to its function beside `run` (`make invoke`)
  person ACTION ...                        what a person does in the Google stand-in
  with-postgres -- PROGRAM [ARGUMENT...]   run a program beside a throw-away PostgreSQL server (`make test`)
and the parts that `run` starts:
  google --port PORT --state FILE          the Google stand-in
  bus --port PORT --functions-port PORT --state FILE
                                           the event bus and its schedule
  function BINARY                          run a function as Lambda would; cargo-lambda starts this";

/// Runs the command that `arguments` (without the program's own name) ask for.
pub async fn run(arguments: Vec<String>) -> ExitCode {
    let mut arguments = arguments.into_iter();
    let command = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let outcome = match command.as_str() {
        "run" => run::run().await,
        "invoke" => invoke::run(&rest).await,
        "person" => person::run(&rest).await,
        "with-postgres" => with_postgres::run(&rest).await,
        "google" => google::run(&rest).await,
        "bus" => bus::run(&rest).await,
        "function" => function::run(&rest).await,
        _ => Err(USAGE.to_owned()),
    };
    outcome.unwrap_or_else(|message| {
        complain(&message);
        ExitCode::FAILURE
    })
}

/// What a command answers. A reader who has gone away is nobody's fault.
fn tell(message: &str) {
    let _ = writeln!(io::stdout(), "{message}");
}

/// What went wrong, for the person who typed the command.
fn complain(message: &str) {
    let _ = writeln!(io::stderr(), "{message}");
}

/// For the long-running parts. `RUST_LOG` is the functions' alone: what passes through us on its way to them is private.
fn log_to_stderr() {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_writer(std::io::stderr)
        .init();
}
