//! A notification to a warm webhook, good and forged.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use local::postgres::{Statement, Wire};
use sha2::Sha256;

use super::warm::ask;
use super::{scheduled, succeed};
use crate::Failure;
use crate::bare::Bare;
use crate::instance::Instance;
use crate::request::Request;
use crate::seed;
use crate::table::Row;
use crate::times::{Shown, Times};
use crate::world::{WEBHOOK_SECRET, World};

const CHANNEL: &str = "0190f0c2-0000-7000-8000-000000000001";
/// As long as a good one.
const FORGED: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const NOTIFICATIONS: u64 = 300;
const WARM_UP: u64 = 50;
/// What the function itself may take to see through a forged one.
const FORGED_WITHIN: Duration = Duration::from_micros(200);

/// Has the renewer open the channel that the notifications are of.
pub(crate) async fn open(world: &World) -> Result<(), Failure> {
    let renewer = world.start("watch-renewer", &world.url()).await?;
    succeed(&renewer, &scheduled()).await?;
    let ours = "update watch_channels set id = $1, resource_id = 'exampleResourceId'";
    match world.client().await?.execute(ours, &[&CHANNEL]).await? {
        1 => Ok(()),
        channels => Err(format!("there are {channels} channels").into()),
    }
}

/// The `number`th notification of the channel.
pub(crate) fn notification(number: u64) -> Request {
    with_token(number, &token())
}

fn with_token(number: u64, token: &str) -> Request {
    Request::notification(vec![
        ("x-goog-channel-id", CHANNEL.to_owned()),
        ("x-goog-channel-token", token.to_owned()),
        ("x-goog-message-number", number.to_string()),
        ("x-goog-resource-id", "exampleResourceId".to_owned()),
        ("x-goog-resource-state", "exists".to_owned()),
        (
            "x-goog-resource-uri",
            "https://www.googleapis.com/calendar/v3/calendars/clinic/events".to_owned(),
        ),
    ])
}

/// As `shared::watch::token` makes it.
fn token() -> String {
    // HMAC takes keys of any length.
    let mac = Hmac::<Sha256>::new_from_slice(WEBHOOK_SECRET.as_bytes());
    let token = mac.map(|mac| mac.chain_update(CHANNEL).finalize().into_bytes());
    token
        .map(|token| URL_SAFE_NO_PAD.encode(token))
        .unwrap_or_default()
}

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    let world = World::open().await?;
    let db = world.client().await?;
    open(&world).await?;
    let (statements, forged_statements) = record(&world).await?;

    seed::empty(&db).await?;
    open(&world).await?;
    let url = world.tls_url()?;
    let webhook = world.start("calendar-webhook", &url).await?;
    let floor = world.start("floor", &url).await?;
    let bare = Bare::connect(&url).await?;
    let (mut sent_bare, mut asked) = (Times::default(), Times::default());
    let (mut forged, mut interface) = (Times::default(), Times::default());
    for (n, statement) in (0..).zip(&statements) {
        let times = [
            bare.time(statement).await?,
            ask(&webhook, &notification(recorded(n) + 1)).await?,
            refused(&webhook, &with_token(1, FORGED)).await?,
            ask(&floor, &notification(1)).await?,
        ];
        if n < WARM_UP {
            continue;
        }
        for (times, time) in [&mut sent_bare, &mut asked, &mut forged, &mut interface]
            .into_iter()
            .zip(times)
        {
            times.add(time);
        }
    }
    // Each counted once: what comes late or again would write nothing.
    let counted: i64 = db
        .query_one("select change_seq from calendars", &[])
        .await?
        .get(0);
    if u64::try_from(counted)? != 2 * NOTIFICATIONS {
        return Err(format!("of {} notifications {counted} counted", 2 * NOTIFICATIONS).into());
    }
    let own = forged.median().saturating_sub(interface.median());
    Ok(vec![
        Row::times(
            "webhook, warm: recorded and published (median)",
            sent_bare.median(),
            asked.median(),
            2.0,
        ),
        Row::fact(
            "webhook, warm: a forged notification, beside a function that answers \"ok\" (median)",
            Shown(interface.median()).to_string(),
            Shown(forged.median()).to_string(),
            format!(
                "{} more at most, no round trip ({forged_statements})",
                Shown(FORGED_WITHIN)
            ),
            own <= FORGED_WITHIN && forged_statements == 0,
        ),
    ])
}

/// The number of the `n`th notification that is recorded. Between two of them there is room for one more.
fn recorded(n: u64) -> u64 {
    2 + 2 * n
}

/// What a webhook sends to the database for good notifications, and how much for forged ones.
async fn record(world: &World) -> Result<(Vec<Statement>, usize), Failure> {
    let wire = Wire::before(&world.url()).await;
    let webhook = world.start("calendar-webhook", wire.url()).await?;
    ask(&webhook, &notification(1)).await?;
    wire.clear_statements();
    for n in 0..NOTIFICATIONS {
        ask(&webhook, &notification(recorded(n))).await?;
    }
    let statements = wire.recorded();
    if statements.len() as u64 != NOTIFICATIONS {
        return Err(format!("a notification costs more than one statement: {statements:?}").into());
    }
    wire.clear_statements();
    refused(&webhook, &with_token(1, FORGED)).await?;
    Ok((statements, wire.recorded().len()))
}

async fn refused(webhook: &Instance, request: &Request) -> Result<Duration, Failure> {
    let answer = webhook.invoke(&request.event()).await?;
    match answer.status() {
        403 => Ok(answer.took),
        status => Err(format!("a forged notification was answered with {status}").into()),
    }
}
