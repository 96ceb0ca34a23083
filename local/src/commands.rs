//! The commands of the `local` binary, which the Makefile calls.

mod function;
mod with_postgres;

use std::process::ExitCode;

const USAGE: &str = "\
usage: local COMMAND
  with-postgres -- PROGRAM [ARGUMENT...]   run a program beside a throw-away PostgreSQL server
  function BINARY                          run a function as Lambda would; cargo-lambda starts this";

/// Runs the command that `arguments` (without the program's own name) ask for.
pub async fn run(arguments: Vec<String>) -> ExitCode {
    let mut arguments = arguments.into_iter();
    let command = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let outcome = match command.as_str() {
        "function" => function::run(&rest).await,
        "with-postgres" => with_postgres::run(&rest).await,
        _ => Err(USAGE.to_owned()),
    };
    outcome.unwrap_or_else(|message| {
        complain(&message);
        ExitCode::FAILURE
    })
}

#[expect(
    clippy::print_stderr,
    reason = "what a command has to say to the person who typed it"
)]
fn complain(message: &str) {
    eprintln!("{message}");
}
