//! Cold starts through AWS's runtime interface emulator: from the start of the process until it asks for its first event, and
//! until it has answered that.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use local::emulator::{Emulator, program};
use local::postgres::{Statement, Wire};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::warm::Kind;
use super::{appointment_changed, scheduled, succeed, webhook};
use crate::bare::Bare;
use crate::instance::Settings;
use crate::seed;
use crate::table::Row;
use crate::times::{Shown, Times};
use crate::world::World;
use crate::{Failure, binary};

/// The command of this program that starts a function and writes down when.
pub(crate) const EXEC: &str = "cold-start-exec";

const FUNCTIONS: [&str; 4] = [
    "appointments-api",
    "calendar-webhook",
    "scheduled-sync",
    "watch-renewer",
];
const STARTS: u32 = 30;
const INIT_WITHIN: Duration = Duration::from_millis(15);

/// Writes the time to `stamp` and becomes `program`.
pub(crate) fn exec(stamp: &str, program: &str) -> ExitCode {
    if std::fs::write(stamp, since_epoch(SystemTime::now()).as_nanos().to_string()).is_ok() {
        // Comes back only if it fails.
        let _ = Command::new(program).exec();
    }
    ExitCode::FAILURE
}

/// What became of some cold starts.
#[derive(Default)]
struct Starts {
    init: Times,
    first_answer: Times,
}

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    let world = World::open().await?;
    let db = world.client().await?;
    seed::clinic(&db, 1_000).await?;
    webhook::open(&world).await?;
    let read: Value = serde_json::from_slice(&Kind::Read.request(1).event())?;
    let notified: Value = serde_json::from_slice(&webhook::notification(1).event())?;
    let events = [read.clone(), notified, appointment_changed(), scheduled()];
    let mut statements = Vec::new();
    for (function, event) in FUNCTIONS.into_iter().zip(&events) {
        statements.push(first_statement(&world, function, event).await?);
    }
    let settings = world.settings(&world.tls_url()?)?;
    let mut floor = Starts::default();
    let mut started: [Starts; FUNCTIONS.len()] = Default::default();
    let mut asked: [Times; FUNCTIONS.len()] = Default::default();
    for n in 0..=STARTS {
        let mut starts = vec![start("floor", &read, &settings).await?];
        let mut bare = Vec::new();
        for ((function, event), statement) in FUNCTIONS.into_iter().zip(&events).zip(&statements) {
            // A notification that comes again writes nothing.
            let anew = "update watch_channels set last_message_number = 0";
            db.batch_execute(anew).await?;
            starts.push(start(function, event, &settings).await?);
            db.batch_execute(anew).await?;
            let connection = Bare::connect(&world.tls_url()?).await?;
            bare.push(connection.connecting + connection.time(statement).await?);
        }
        if n == 0 {
            // The first ones read the binaries from the disk.
            continue;
        }
        for (to, took) in asked.iter_mut().zip(bare) {
            to.add(took);
        }
        for (to, (init, first_answer)) in std::iter::once(&mut floor).chain(&mut started).zip(starts) {
            to.init.add(init);
            to.first_answer.add(first_answer);
        }
    }
    let mut rows = Vec::new();
    for (function, starts) in FUNCTIONS.into_iter().zip(&started) {
        let (init, least) = (starts.init.median(), floor.init.median());
        rows.push(
            Row::times(
                format!("cold start to ready: {function} (median)"),
                least,
                init,
                3.0,
            )
            .and(&format!("{}", Shown(INIT_WITHIN)), init <= INIT_WITHIN),
        );
    }
    for ((function, starts), asked) in FUNCTIONS.into_iter().zip(&started).zip(&asked) {
        // Between them an event is read and answered for the first time, too.
        let (init, answer) = (starts.init.median(), starts.first_answer.median());
        rows.push(Row::times(
            format!("cold start to first answer: {function} (median); floor: its init, a bare connection, its first statement bare"),
            init + asked.median(),
            answer,
            1.25,
        ));
    }
    Ok(rows)
}

/// What a function first sends to the database for this event.
async fn first_statement(world: &World, function: &str, event: &Value) -> Result<Statement, Failure> {
    let wire = Wire::before(&world.url()).await;
    let instance = world.start(function, wire.url()).await?;
    succeed(&instance, event).await?;
    let sent = wire.recorded().into_iter().next();
    Ok(sent.ok_or_else(|| format!("{function} sends nothing"))?)
}

/// Starts a function and hands it this event; how long it took until it was ready and until it had answered.
async fn start(function: &str, event: &Value, settings: &Settings) -> Result<(Duration, Duration), Failure> {
    let folder = tempfile::tempdir()?;
    let stamp = folder.path().join("stamp");
    let emulator = Emulator::start(&program()?, settings.clone()).await?;
    let tap = Tap::on(emulator.runtime_api()).await?;
    let command = format!(
        "'{}' {EXEC} '{}' '{}'",
        std::env::current_exe()?.display(),
        stamp.display(),
        binary(function).display()
    );
    emulator.put(&command, tap.address)?;
    let answer = emulator.invoke(event).await?;
    if answer.get("statusCode").is_some_and(|status| *status != 200) {
        return Err(format!("{function} began with {answer}").into());
    }
    let spawned = Duration::from_nanos(std::fs::read_to_string(stamp)?.parse()?);
    let seen = *tap.seen.lock().unwrap_or_else(PoisonError::into_inner);
    let (Some(ready), Some(answered)) = (seen.ready, seen.answered) else {
        return Err(format!("{function} was not seen to start").into());
    };
    Ok((ready.saturating_sub(spawned), answered.saturating_sub(spawned)))
}

/// Between a function and its runtime API: notes when the first request of each kind came by.
struct Tap {
    address: std::net::SocketAddr,
    seen: Arc<Mutex<Seen>>,
    server: JoinHandle<()>,
}

/// Since 1970, as is what [`exec`] writes.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    ready: Option<Duration>,
    answered: Option<Duration>,
}

impl Tap {
    async fn on(runtime_api: std::net::SocketAddr) -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let seen = Arc::<Mutex<Seen>>::default();
        let noted = Arc::clone(&seen);
        let server = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, runtime_api, Arc::clone(&noted)));
            }
        });
        Ok(Self {
            address,
            seen,
            server,
        })
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn carry(near: TcpStream, runtime_api: std::net::SocketAddr, seen: Arc<Mutex<Seen>>) {
    let Ok(far) = TcpStream::connect(runtime_api).await else {
        return;
    };
    // Without it they are only slower.
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let ((mut from_near, mut to_near), (mut from_far, mut to_far)) = (near.into_split(), far.into_split());
    let asking = async {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from_near.read(&mut buffer).await {
            let at = since_epoch(SystemTime::now());
            let bytes = buffer.get(..length).unwrap_or_default();
            {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                if bytes.starts_with(b"GET ") {
                    seen.ready.get_or_insert(at);
                } else if bytes.starts_with(b"POST ") {
                    seen.answered.get_or_insert(at);
                }
            }
            if to_far.write_all(bytes).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = asking => {}
        _ = copy(&mut from_far, &mut to_near) => {}
    }
}

fn since_epoch(at: SystemTime) -> Duration {
    at.duration_since(UNIX_EPOCH).unwrap_or_default()
}
