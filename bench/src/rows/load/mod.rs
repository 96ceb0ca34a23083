//! Many instances of the API at once, each asked without a pause, on one database; beside `pgbench` with the same statements.

mod mix;
mod pgbench;
mod sessions;

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use crate::Failure;
use crate::instance::{Instance, Settings};
use crate::table::Row;
use crate::times::{Shown, Times};
use crate::world::World;

use mix::Stream;
use pgbench::Scripts;
use sessions::Watch;

/// Instances, and clients of `pgbench`.
const CLIENTS: u64 = 64;
const TIME: Duration = Duration::from_mins(1);
const PGBENCH_TIME: Duration = Duration::from_secs(20);
/// How many times as much of the server's time a request may take as the same statement of `pgbench`'s.
const SERVERS_TIME: f64 = 1.2;

pub(crate) async fn measure() -> Result<Vec<Row>, Failure> {
    let world = World::open().await?;
    let db = world.client().await?;
    mix::fill(&db).await?;
    let floor = floor(&world).await?;

    mix::fill(&db).await?;
    let instances = (0..CLIENTS).map(async |_| {
        let settings = settings(&world, &world.tls_url()?)?;
        world.start_with("appointments-api", &settings).await
    });
    let instances = try_join_all(instances).await?;
    // Connects each, which is no part of the load.
    let first = mix::request(mix::Kind::Read, 0, 0, 0, 1).event();
    for instance in &instances {
        instance.invoke(&first).await?;
    }
    let before = functions_time(&instances)?;
    let servers = sessions::servers_time().await?;
    let watch = Watch::begin().await?;
    let began = Instant::now();
    let done = try_join_all(
        (0..)
            .zip(&instances)
            .map(|(client, instance)| ask(client, instance, began)),
    )
    .await?;
    let took = began.elapsed();
    let functions = functions_time(&instances)?.saturating_sub(before);
    let most = watch.end().await?;
    let left_in_transaction = sessions::in_transaction().await?;
    drop(instances);
    let left = sessions::left_after(Duration::from_secs(5)).await?;
    let servers = sessions::servers_time().await?.saturating_sub(servers);

    let asked: u32 = done.iter().map(|done| done.asked).sum();
    let errors: Vec<&String> = done.iter().flat_map(|done| &done.errors).collect();
    let mut times = Times::default();
    for done in &done {
        times.extend(done.times.iter().copied());
    }
    let errors = match errors.as_slice() {
        [] => "none".to_owned(),
        [first, ..] => format!("{}, such as {first}", errors.len()),
    };
    let is_well = errors == "none" && most <= CLIENTS && left == 0 && left_in_transaction == 0;
    let each = |time: Duration| time / asked.max(1);
    let a_second = f64::from(asked) / took.as_secs_f64();
    let mut rows = vec![Row::fact(
        format!(
            "load: {CLIENTS} instances of appointments-api, {asked} mixed requests in {} s",
            took.as_secs()
        ),
        String::new(),
        format!(
            "errors: {errors}; {} connections at most, {left} after the instances ended; {left_in_transaction} left in a \
             transaction (median {}, 99th percentile {})",
            most,
            Shown(times.median()),
            Shown(times.p99())
        ),
        format!("no error; {CLIENTS} connections at most, 0 after; 0 left in a transaction"),
        is_well,
    )];
    let shares = format!(
        "{} of the functions' processor time a request",
        Shown(each(functions))
    );
    rows.extend(match floor {
        None => vec![Row::beside(
            "load: requests a second (pgbench, which would be the floor, is not installed here)",
            String::new(),
            format!("{a_second:.0}, {shares}"),
        )],
        Some(floor) => vec![
            Row::beside(
                format!(
                    "load: requests a second beside pgbench with the same statements, {CLIENTS} clients; on these cores \
                     the functions' own work takes its time from the server"
                ),
                format!("{:.0}", floor.a_second),
                format!("{a_second:.0}, {shares}"),
            )
            .with_ratio(floor.a_second / a_second),
            Row::times(
                "load: the server's processor time for a request, beside pgbench's for the same statement",
                floor.servers_each,
                each(servers),
                SERVERS_TIME,
            ),
        ],
    });
    Ok(rows)
}

/// What `pgbench` made of it.
struct Floor {
    a_second: f64,
    /// The server's time for a transaction.
    servers_each: Duration,
}

/// `None` without `pgbench`.
async fn floor(world: &World) -> Result<Option<Floor>, Failure> {
    let Some(program) = pgbench::program() else {
        return Ok(None);
    };
    let scripts = Scripts::record(world).await?;
    mix::fill(&world.client().await?).await?;
    sessions::left_after(Duration::from_secs(5)).await?;
    let before = sessions::servers_time().await?;
    let url = world.tls_url()?;
    let ran = tokio::task::spawn_blocking(move || {
        scripts
            .run(&program, &url, PGBENCH_TIME)
            .map(|tps| (tps, scripts))
    });
    let (a_second, _) = ran.await??;
    sessions::left_after(Duration::from_secs(5)).await?;
    let servers = sessions::servers_time().await?.saturating_sub(before);
    Ok(Some(Floor {
        a_second,
        servers_each: servers.div_f64(a_second * PGBENCH_TIME.as_secs_f64()),
    }))
}

/// Those of an API for all calendars of the mix.
fn settings(world: &World, url: &str) -> Result<Settings, Failure> {
    let mut settings = world.settings(url)?;
    let calendars: Vec<_> = (1..=mix::CALENDARS).map(mix::name).collect();
    settings.insert("GOOGLE_CALENDAR_ID".to_owned(), calendars.join(","));
    Ok(settings)
}

fn functions_time(instances: &[Instance]) -> Result<Duration, Failure> {
    instances.iter().map(Instance::processor_time).sum()
}

/// What came of one client's requests.
#[derive(Default)]
struct Done {
    asked: u32,
    times: Vec<Duration>,
    errors: Vec<String>,
}

async fn ask(client: u64, instance: &Instance, began: Instant) -> Result<Done, Failure> {
    let (mut stream, mut done) = (Stream::of(client), Done::default());
    while began.elapsed() < TIME {
        let request = stream.next();
        let answer = instance.invoke(&request.event()).await?;
        done.asked += 1;
        done.times.push(answer.took);
        if !(200..=299).contains(&answer.status()) {
            done.errors.push(format!(
                "{request:?} answered with {}: {}",
                answer.status(),
                answer.content()
            ));
        }
    }
    Ok(done)
}
