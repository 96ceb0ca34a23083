//! `make bench`: how long a person's edit in Google Calendar takes until it is committed here, through the real binaries,
//! and which part takes how much of it. Prints a table in Markdown and writes it to `bench/RESULTS.md`; `EDITS` says how
//! many edits (200).
//!
//! All times are of one machine, as they are recorded anyway: the event's `updated`, when the notification was recorded,
//! when the pull took its lease, and when it committed.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that cannot be made is not made"
)]

#[path = "../tests/end_to_end/private.rs"]
mod private;
#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../tests/end_to_end/stack.rs"]
mod stack;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use serde_json::json;
use stack::{Booked, Stack, until};

const CLINIC: &str = "clinic@example.com";

/// What became of one edit, and when.
struct Course {
    edited: DateTime<Utc>,
    notified: DateTime<Utc>,
    leased: DateTime<Utc>,
    committed: DateTime<Utc>,
}

#[tokio::main]
async fn main() {
    let edits: u32 = std::env::var("EDITS").map_or(200, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let stack = Stack::start_with(&folder, &[("AUTO_SYNC_ENABLED", "false")]).await;
    assert!(stack.invoke("watch-renewer").await);
    let booked = stack.book_and_see(CLINIC, "2030-01-07T09:00:00+05:00").await;
    let db = stack.database().await;
    let mut courses = Vec::new();
    for number in 0..=edits {
        // Further apart than pulls are kept: each edit is on its way alone, and meets the second at another moment.
        tokio::time::sleep(Duration::from_millis(1100 + u64::from(number) * 37 % 400)).await;
        let course = edit(&stack, &db, &booked, &format!("Room {number}")).await;
        // The first one finds cold functions.
        if number > 0 {
            courses.push(course);
        }
    }
    stack.end().await;

    let rows = [
        format!("| from a person's edit to the committed row, {edits} edits | median | 99th percentile |"),
        "|---|---|---|".to_owned(),
        row(
            "edit to recorded notification (courier, webhook)",
            &courses,
            |c| c.notified - c.edited,
        ),
        row(
            "recorded notification to pull (bus, invocation, lease)",
            &courses,
            |c| c.leased - c.notified,
        ),
        row("pull to commit (one call to Google)", &courses, |c| {
            c.committed - c.leased
        }),
        row("**edit to committed row**", &courses, |c| c.committed - c.edited),
    ];
    let table = rows.join("\n");
    println!("{table}");
    write_results(&table);
}

/// Beside the machine and the commit that the figures are of.
fn write_results(table: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let said = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(&root)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let commit = said("git", &["describe", "--always", "--dirty", "--exclude=*"]);
    let system = said("uname", &["-sm"]);
    let cores = std::thread::available_parallelism().unwrap();
    let text = format!(
        "# What `make bench` measured\n\nOn {system}, {cores} cores, at commit {commit}; Google, the bus and Lambda stood in for \
         on the same machine.\n\n{table}\n"
    );
    fs::create_dir_all(root.join("bench")).unwrap();
    fs::write(root.join("bench/RESULTS.md"), text).unwrap();
}

async fn edit(stack: &Stack, db: &tokio_postgres::Client, booked: &Booked, room: &str) -> Course {
    const COURSE: &str = "select c.leased_at, c.last_sync_at, w.last_notification_at
        from appointments a join calendars c on c.id = a.calendar_id
        join watch_channels w on w.calendar_id = c.id and w.state = 'live'
        where a.location = $1 and c.change_seq = c.pulled_seq";
    let event = stack
        .google(Method::PATCH, &booked.event, &json!({"location": room}))
        .await;
    let row = until(room, async || db.query_opt(COURSE, &[&room]).await.unwrap()).await;
    Course {
        edited: event["updated"].as_str().unwrap().parse().unwrap(),
        notified: row.get("last_notification_at"),
        leased: row.get("leased_at"),
        committed: row.get("last_sync_at"),
    }
}

fn row(name: &str, courses: &[Course], part: impl Fn(&Course) -> TimeDelta) -> String {
    let mut times: Vec<_> = courses.iter().map(part).collect();
    times.sort_unstable();
    // The nearest rank: of 200, the 100th and the 198th.
    let rank = |percent: usize| times[(times.len() * percent).div_ceil(100).max(1) - 1];
    let ms = |time: TimeDelta| format!("{:.1} ms", time.as_seconds_f64() * 1000.0);
    format!("| {name} | {} | {} |", ms(rank(50)), ms(rank(99)))
}
