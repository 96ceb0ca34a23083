//! Requests of a calendar that has 100,000 appointments beside those of one that has 100.

use crate::Failure;
use crate::rows::memory::megabytes;
use crate::rows::warm::{Kind, ask};
use crate::seed;
use crate::table::Row;
use crate::times::{Times, ratio};
use crate::world::World;

use super::million::{APPOINTMENTS, OF_THE_CLINIC};

/// In the small calendar.
const FEW: u64 = 100;
/// Of each kind and calendar; each touches an appointment of its own.
const REQUESTS: u64 = 80;
const WARM_UP: u64 = 30;
/// How many times as much time and memory the larger may take: with a thousand times as many appointments.
const MOST: f64 = 2.0;

/// `large` is what [`super::million`] makes.
pub(super) async fn measure(large: &World) -> Result<Vec<Row>, Failure> {
    let small = World::open().await?;
    let db = small.client().await?;
    seed::clinic(&db, FEW).await?;
    // So that the day that is listed is as full as it is in the large one.
    db.batch_execute("update appointments set starts_at = starts_at + interval '8 days', ends_at = ends_at + interval '8 days'")
        .await?;
    let api = async |world: &World| world.start("appointments-api", &world.tls_url()?).await;
    let (of_few, of_many) = (api(&small).await?, api(large).await?);
    for n in 0..WARM_UP {
        for api in [&of_few, &of_many] {
            ask(api, &Kind::List.request(n)).await?;
        }
    }
    let mut worst: Option<(Kind, Times, Times)> = None;
    let mut all = Vec::new();
    for kind in Kind::ALL {
        let (mut few, mut many) = (Times::default(), Times::default());
        for n in 0..REQUESTS {
            // In turn, so that whatever else the machine does meets both.
            few.add(ask(&of_few, &kind.request(n)).await?);
            many.add(ask(&of_many, &kind.request(n)).await?);
        }
        let grows = ratio(many.median(), few.median());
        all.push(format!("{} {grows:.2}", kind.name()));
        if worst
            .as_ref()
            .is_none_or(|(_, few, many)| grows > ratio(many.median(), few.median()))
        {
            worst = Some((kind, few, many));
        }
    }
    let (kind, few, many) = worst.ok_or("nothing was asked")?;
    let what = format!(
        "growth: a request to a calendar of {OF_THE_CLINIC} appointments ({APPOINTMENTS} in the database) beside one of {FEW}: \
         the kind that grows most, {} (median); all: {}",
        kind.name(),
        all.join(", ")
    );
    let (least, most) = (megabytes(&of_few)?, megabytes(&of_many)?);
    Ok(vec![
        Row::times(what, few.median(), many.median(), MOST),
        Row::fact(
            "growth: peak memory of the same instances",
            format!("{least:.1} MB"),
            format!("{most:.1} MB"),
            format!("at most {MOST} times"),
            most <= MOST * least,
        )
        .with_ratio(most / least),
    ])
}
