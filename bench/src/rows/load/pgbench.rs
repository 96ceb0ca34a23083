//! The same statements by `pgbench`: those that the API was seen to send, with their values made anew for each client and turn.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use local::postgres::{Binaries, Statement, Wire};
use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

use crate::Failure;
use crate::bare::AsItWas;
use crate::rows::warm::ask;
use crate::world::World;

use super::CLIENTS;
use super::mix::{self, CALENDARS, Kind, READ_ONLY};

/// What was recorded is of these, by which its values are known.
const READ: u64 = 4_321;
const OWN: u64 = 9_876;
const SLOT: u64 = 55_555;
const CALENDAR: u64 = 7;

/// The program, if the server's packager or anybody else put it here.
pub(super) fn program() -> Option<PathBuf> {
    let beside = Binaries::find().ok()?.program("pgbench");
    let on_path = std::env::var_os("PATH")
        .into_iter()
        .flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    std::iter::once(beside)
        .chain(on_path.map(|folder| folder.join("pgbench")))
        .find(|program| program.is_file())
}

/// What it is to run: a script of each kind, with its share.
pub(super) struct Scripts {
    folder: tempfile::TempDir,
}

impl Scripts {
    /// Records what an API sends for one request of each kind, in tables that [`mix::fill`] made.
    pub(super) async fn record(world: &World) -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let db = world.client().await?;
        let wire = Wire::before(&world.url()).await;
        let settings = super::settings(world, wire.url())?;
        let api = world.start_with("appointments-api", &settings).await?;
        ask(&api, &mix::request(Kind::Read, 1, OWN, SLOT, CALENDAR)).await?;
        for (kind, _) in Kind::ALL {
            wire.clear_statements();
            let answer = api
                .invoke(&mix::request(kind, READ, OWN, SLOT, CALENDAR).event())
                .await?;
            let statements = wire.recorded();
            let (200..=299, [statement]) = (answer.status(), statements.as_slice()) else {
                return Err(
                    format!("{kind:?} was answered with {} by {statements:?}", answer.status()).into(),
                );
            };
            let event_id = answer.content()["google_calendar_event_id"]
                .as_str()
                .map(str::to_owned);
            let script = script(&db, statement, event_id.as_deref()).await?;
            std::fs::write(folder.path().join(format!("{kind:?}.sql")), script)?;
        }
        Ok(Self { folder })
    }

    /// Runs it; transactions a second.
    pub(super) fn run(&self, program: &PathBuf, url: &str, time: Duration) -> Result<f64, Failure> {
        let mut command = Command::new(program);
        // As the API's: each statement is parsed and planned anew.
        command.args(["--no-vacuum", "--protocol=extended", "--jobs=2", "--define=n=0"]);
        command
            .arg(format!("--client={CLIENTS}"))
            .arg(format!("--time={}", time.as_secs()));
        for (kind, share) in Kind::ALL {
            let script = self.folder.path().join(format!("{kind:?}.sql"));
            command.arg(format!("--file={}@{share}", script.display()));
        }
        let output = command.arg(url).output()?;
        let (said, complained) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        let tps = said
            .lines()
            .find_map(|line| line.strip_prefix("tps = ")?.split_whitespace().next());
        match tps {
            // A client that fails is left out, and so would be its part of the load.
            Some(tps) if output.status.success() && !complained.contains("aborted") => Ok(tps.parse()?),
            _ => Err(format!("pgbench failed: {said}{complained}").into()),
        }
    }
}

/// A statement as a script: constants are spelled out, and what was of the recorded request is an expression.
async fn script(db: &Client, statement: &Statement, event_id: Option<&str>) -> Result<String, Failure> {
    let mut text = statement.text.clone();
    let parameters = statement.parameters.iter().zip(&statement.types);
    // From the last to the first: $1 is the beginning of $10.
    for (place, (parameter, oid)) in parameters.enumerate().rev() {
        let kind = Type::from_oid(*oid).ok_or("a parameter is of a type that nobody knows")?;
        let as_it_was = AsItWas(parameter);
        let typed: [(&(dyn ToSql + Sync), Type); 1] = [(&as_it_was, kind.clone())];
        let value: Option<String> = db.query_typed_one("select ($1)::text", &typed).await?.get(0);
        let value = match value {
            None => "null".to_owned(),
            Some(value) => expression(&value, &kind, event_id),
        };
        text = text.replace(&format!("${}", place + 1), &format!("({value})::{}", kind.name()));
    }
    Ok(format!(
        "\\set n :n + 1\n\
         \\set read random(0, {READ_ONLY} - 1)\n\
         \\set own {READ_ONLY} + :client_id * 500 + mod(:n, 500)\n\
         \\set slot :client_id * 10000 + :n\n\
         \\set fresh 1000000000 + :slot\n\
         \\set calendar random(1, {CALENDARS})\n\
         {text};\n"
    ))
}

/// What stands for a value that was recorded.
fn expression(value: &str, kind: &Type, event_id: Option<&str>) -> String {
    let of_number = |name: &str| format!("lpad((:{name})::text, 32, '0')");
    let half_hours = "timestamptz '2041-01-01 00:00Z' + (:slot)::int8 * interval '30 minutes'";
    let is_time = |slot: u64| {
        let times = mix::start(slot);
        value.starts_with(&times.format("%Y-%m-%d %H:%M:%S").to_string())
    };
    if value == mix::id(READ).to_string() {
        of_number("read")
    } else if value == mix::id(OWN).to_string() {
        of_number("own")
    } else if *kind == Type::UUID || Some(value) == event_id && !value.starts_with('0') {
        // An id that the API made up.
        of_number("fresh")
    } else if value == mix::key(SLOT) {
        "'booking-' || (:slot)::text".to_owned()
    } else if value == mix::name(CALENDAR) {
        "'doctor-' || (:calendar)::text || '@example.com'".to_owned()
    } else if value.contains(&format!("note {SLOT}")) {
        "jsonb_build_object('notes', 'note ' || (:n)::text)".to_owned()
    } else if *kind == Type::TIMESTAMPTZ && is_time(SLOT) {
        half_hours.to_owned()
    } else if *kind == Type::TIMESTAMPTZ && is_time(SLOT + 1) {
        format!("{half_hours} + interval '30 minutes'")
    } else {
        format!("'{}'", value.replace('\'', "''"))
    }
}
