//! `local run` as a test drives it: on free ports, in a folder of its own. At its end, what it wrote is searched for what
//! it must keep to itself ([`crate::private`]).

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use reqwest::{Client, Method};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout;

use crate::private::{self, Private};

/// A running `local run` on free ports.
pub(crate) struct Stack {
    process: Child,
    output: Lines<BufReader<ChildStdout>>,
    /// API, Google stand-in, bus, PostgreSQL, functions.
    pub(crate) ports: Vec<u16>,
    pub(crate) key: String,
    /// One for all requests: making one reads the system's certificates.
    client: Client,
    /// What the API was sent of patients, also where it was refused.
    sent: std::sync::Mutex<Private>,
    folder: PathBuf,
    database_url: String,
    ended: bool,
    /// One stack at a time: each is a dozen processes.
    _turn: MutexGuard<'static, ()>,
}

/// How much of each log a test that failed shows.
const LINES_SHOWN: usize = 60;

/// An appointment that Google shows.
pub(crate) struct Booked {
    /// In the API.
    pub(crate) path: String,
    /// In the stand-in's admin API.
    pub(crate) event: String,
}

static TURN: Mutex<()> = Mutex::const_new(());

impl Stack {
    pub(crate) async fn start(folder: &TempDir) -> Self {
        Self::start_with(folder, &[]).await
    }

    /// With settings of a person's own.
    pub(crate) async fn start_with(folder: &TempDir, settings: &[(&str, &str)]) -> Self {
        let turn = TURN.lock().await;
        let ports = free_ports();
        let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
        command
            .arg("run")
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
        command
            .env("LOCAL_FOLDER", folder.path())
            .envs(settings.iter().copied());
        for (port, setting) in ports
            .iter()
            .zip(["API", "GOOGLE", "BUS", "POSTGRES", "FUNCTIONS"])
        {
            command.env(format!("LOCAL_{setting}_PORT"), port.to_string());
        }
        command.stdout(Stdio::piped());
        let own = settings.iter().find(|(name, _)| *name == "DATABASE_URL");
        let database_url = own.map_or_else(
            || format!("postgres://clinic@127.0.0.1:{}/clinic", ports[3]),
            |(_, url)| (*url).to_owned(),
        );
        let mut process = command.spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut stack = Self {
            process,
            output,
            ports,
            key: String::new(),
            client: Client::new(),
            sent: std::sync::Mutex::default(),
            folder: folder.path().to_owned(),
            database_url,
            ended: false,
            _turn: turn,
        };
        stack.line_with("ready").await;
        let line = stack.line_with("API key").await;
        line.split_whitespace().last().unwrap().clone_into(&mut stack.key);
        stack.line_with("Ctrl-C").await;
        stack
    }

    /// The next line that has `text` in it.
    pub(crate) async fn line_with(&mut self, text: &str) -> String {
        loop {
            let line = self.output.next_line().await.unwrap();
            let line = line.unwrap_or_else(|| panic!("it ended before it said '{text}'"));
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Asks the API, with the key that was printed.
    pub(crate) async fn api(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let mut request = self.client.request(method, self.url(path)).bearer_auth(&self.key);
        if let Some(body) = body {
            self.sent.lock().unwrap().add_patient(body);
            request = request.json(body);
        }
        let Ok(response) = request.send().await else {
            return (0, Value::Null);
        };
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or_default())
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Where it keeps what is stored.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.ports[0])
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.api(Method::GET, path, None).await
    }

    /// Books half an hour.
    pub(crate) async fn book(&self, starts_at: &str) -> Value {
        self.book_in("clinic@example.com", starts_at).await
    }

    pub(crate) async fn book_in(&self, calendar: &str, starts_at: &str) -> Value {
        let body = json!({
            "patient_name": "A. Khan", "reason": "Check-up", "starts_at": starts_at, "calendar_id": calendar
        });
        let (status, appointment) = self.api(Method::POST, "/appointments", Some(&body)).await;
        assert_eq!(status, 201, "{appointment}");
        appointment
    }

    /// Books, and waits until the event is there.
    pub(crate) async fn book_and_see(&self, calendar: &str, starts_at: &str) -> Booked {
        let booked = self.book_in(calendar, starts_at).await;
        let text = |name: &str| booked[name].as_str().unwrap().to_owned();
        let booked = Booked {
            path: format!("/appointments/{}", text("id")),
            event: format!(
                "/calendars/{calendar}/events/{}",
                text("google_calendar_event_id")
            ),
        };
        self.until_appointment(&booked, "synced", |now| now["calendar_sync"]["state"] == "synced")
            .await;
        booked
    }

    /// The appointment, once it is as awaited.
    pub(crate) async fn until_appointment(
        &self,
        booked: &Booked,
        what: &str,
        fits: impl Fn(&Value) -> bool,
    ) -> Value {
        until(what, async || Some(self.get(&booked.path).await.1).filter(&fits)).await
    }

    /// Runs a function as a schedule does; whether it ended well.
    pub(crate) async fn invoke(&self, function: &str) -> bool {
        let url = format!(
            "http://127.0.0.1:{}/2015-03-31/functions/{function}/invocations",
            self.ports[0]
        );
        let event = json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}});
        let response = self.client.post(url).json(&event).send().await.unwrap();
        response.status().is_success() && !response.headers().contains_key("x-amz-function-error")
    }

    /// Fires a rule, even a disabled one, and comes back when its function is done.
    pub(crate) async fn fire(&self, rule: &str) {
        let url = format!("http://127.0.0.1:{}/admin/tick?rule={rule}", self.ports[2]);
        let outcome: Value = self.client.post(url).send().await.unwrap().json().await.unwrap();
        assert_eq!(outcome["delivered"], true, "{outcome}");
    }

    /// How often Google was asked for this, such as `events.list`.
    pub(crate) async fn count(&self, operation: &str) -> u64 {
        let requests = self.google(Method::GET, "/requests", &Value::Null).await;
        requests["counts"][operation].as_u64().unwrap_or_default()
    }

    /// The database that the stack uses.
    pub(crate) async fn database(&self) -> tokio_postgres::Client {
        self.try_database().await.unwrap()
    }

    pub(crate) async fn try_database(&self) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(&self.database_url, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Does what a person does in the stand-in's calendar; `path` follows the calendar's events.
    pub(crate) async fn person(&self, method: Method, path: &str, body: &Value) -> Value {
        self.google(
            method,
            &format!("/calendars/clinic@example.com/events{path}"),
            body,
        )
        .await
    }

    /// Asks the stand-in's admin API.
    pub(crate) async fn google(&self, method: Method, path: &str, body: &Value) -> Value {
        let url = format!("http://127.0.0.1:{}/admin{path}", self.ports[1]);
        let response = self.client.request(method, url).json(body).send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.status());
        response.json().await.unwrap_or_default()
    }

    /// The live events that the stand-in shows; none while it does not answer.
    pub(crate) async fn events(&self) -> Vec<Value> {
        let mut events = self.events_of("clinic@example.com").await.unwrap_or_default();
        events.retain(|event| event["status"] != "cancelled");
        events
    }

    /// All events of a calendar, deleted ones too, unless the stand-in does not answer.
    pub(crate) async fn events_of(&self, calendar: &str) -> Option<Vec<Value>> {
        let url = format!(
            "http://127.0.0.1:{}/admin/calendars/{calendar}/events",
            self.ports[1]
        );
        let mut listing: Value = self.client.get(url).send().await.ok()?.json().await.ok()?;
        match listing["events"].take() {
            Value::Array(events) => Some(events),
            // It has no such calendar.
            _ => Some(Vec::new()),
        }
    }

    /// Kills processes of this stack with no chance to tidy up: those of a program, or with these words in their command.
    pub(crate) async fn kill(&self, words: &str) {
        let listing = Command::new("ps")
            .args(["-eo", "pid=,ppid=,args="])
            .output()
            .await
            .unwrap();
        let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
        let processes: Vec<(i32, i32, &str)> = listing.lines().filter_map(process).collect();
        let mut ours = vec![i32::try_from(self.process.id().unwrap()).unwrap()];
        // A parent is always listed by one of the rounds before its children's last one.
        for _ in 0..10 {
            for (pid, parent, _) in &processes {
                if ours.contains(parent) && !ours.contains(pid) {
                    ours.push(*pid);
                }
            }
        }
        let fits = |(pid, _, args): &&(i32, i32, &str)| {
            let program = args.split(' ').next().unwrap_or_default();
            ours[1..].contains(pid)
                && (args.contains(words) && words.contains(' ') || program.ends_with(words))
        };
        let killed: Vec<_> = processes.iter().filter(fits).collect();
        assert!(!killed.is_empty(), "nothing runs that is called '{words}'");
        for (pid, ..) in killed {
            // It may have died with one that was killed before it.
            let _ = kill_process(Pid::from_raw(*pid).unwrap(), Signal::KILL);
        }
    }

    /// Has the end of this stack look for this text, too.
    pub(crate) fn keep_private(&self, text: &str) {
        self.sent.lock().unwrap().add(text);
    }

    /// Ctrl-C, as the terminal sends it; then what was written is searched.
    pub(crate) async fn end(mut self) {
        let mut private = std::mem::take(&mut *self.sent.lock().unwrap());
        private.add_stored(&self).await;
        private.add_secrets(&self.folder, &self.key);
        self.interrupt();
        let status = self.process.wait().await.unwrap();
        assert_eq!(status.code(), Some(0));
        self.ended = true;
        private::search(&self.folder.join("log"), &private);
    }

    #[expect(clippy::print_stderr, reason = "it is what a failed test has to say")]
    fn show_last_lines(&self) {
        for log in ["functions.log", "bus.log"] {
            let text = std::fs::read_to_string(self.folder.join("log").join(log)).unwrap_or_default();
            let last = text.lines().count().saturating_sub(LINES_SHOWN);
            for line in text.lines().skip(last) {
                eprintln!("{log}: {line}");
            }
        }
    }

    fn interrupt(&self) {
        if let Some(pid) = self
            .process
            .id()
            .and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?))
        {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::INT);
        }
    }
}

impl Drop for Stack {
    /// A test that failed leaves nothing running either, and shows what the functions said last.
    fn drop(&mut self) {
        self.interrupt();
        while matches!(self.process.try_wait(), Ok(None)) {
            std::thread::yield_now();
        }
        if std::thread::panicking() {
            self.show_last_lines();
        } else {
            assert!(
                self.ended,
                "`end` was not called: what the stack wrote was not searched"
            );
        }
    }
}

/// Five different ports that were free a moment ago.
fn free_ports() -> Vec<u16> {
    let listeners: Vec<_> = (0..5)
        .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    listeners
        .iter()
        .map(|listener| listener.local_addr().unwrap().port())
        .collect()
}

fn process(line: &str) -> Option<(i32, i32, &str)> {
    let (pid, rest) = line.trim_start().split_once(' ')?;
    let (parent, args) = rest.trim_start().split_once(' ')?;
    Some((pid.parse().ok()?, parent.parse().ok()?, args))
}

/// Waits until `look` finds something; what is asked for must come by itself.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    // A function that failed is run again after a minute.
    let patience = Duration::from_mins(3);
    let found = timeout(patience, async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::task::yield_now().await;
        }
    });
    found
        .await
        .unwrap_or_else(|_| panic!("{what}: not within {} s", patience.as_secs()))
}
