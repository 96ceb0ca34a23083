//! One history: steps in which callers, people and runs act at once, then peace, then the reckoning.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::checks;
use crate::ledger::Ledger;
use crate::runs::{self, Planned};
use crate::world::World;
use crate::{callers, people};

/// Plays the history of a seed. Answers, if it ended badly, why, and the story.
pub(crate) async fn play(world: &mut World, seed: u64) -> Result<(), String> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut ledger = Ledger::default();
    world.begin(seed);
    let mut number = 0;
    for _ in 0..random.random_range(4..14) {
        Box::pin(step(world, &mut ledger, &mut random, &mut number)).await;
    }
    if let Err(fault) = checks::come_to_rest(world, &ledger).await {
        ledger.faults.push(fault);
    }
    if ledger.faults.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{}\n{}",
        ledger.faults.join("\n"),
        ledger.story.join("\n")
    ))
}

async fn step(world: &mut World, ledger: &mut Ledger, random: &mut StdRng, number: &mut u32) {
    if random.random_bool(0.4) {
        runs::trouble(world, ledger, random);
    }
    if random.random_bool(0.2) {
        world.let_claims_and_leases_lapse().await;
    }
    let planned = [0.75, 0.4].map(|likely| random.random_bool(likely).then(|| Planned::draw(random)));
    ledger.tell(format!("runs: {planned:?}"));
    let here = &*world;
    let run = async |process: usize| match planned[process] {
        Some(run) => run.play(here, process).await,
        None => (Ok(()), false),
    };
    let deeds = async {
        for _ in 0..random.random_range(0..5) {
            *number += 1;
            pause(here, random).await;
            if random.random_bool(0.5) {
                callers::call(here, ledger, random, *number).await;
            } else {
                people::act(here, ledger, random, *number).await;
            }
        }
        if random.random_bool(0.05) {
            ledger.tell("claims and leases lapse");
            here.let_claims_and_leases_lapse().await;
        }
        pause(here, random).await;
        // Whatever hangs goes on; an outage that goes on would only make everyone wait.
        here.google.heal();
        ledger.tell("healed");
    };
    let (first, second, ()) = tokio::join!(run(0), run(1), deeds);
    for (process, (outcome, died)) in [first, second].into_iter().enumerate() {
        ledger.faults.extend(outcome.err());
        if died {
            ledger.tell(format!("process {process} was killed"));
            world.replace_process(process);
        }
    }
}

/// Lets the others get on with it: for no time, or for some round trips.
async fn pause(world: &World, random: &mut StdRng) {
    for _ in 0..random.random_range(0..6) {
        world.query("select 1 where $1 = ''").await;
    }
}
