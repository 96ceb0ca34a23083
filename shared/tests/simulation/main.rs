//! Random histories: callers, people, runs, faults and deaths in any order and at once, against the real engine, a real
//! PostgreSQL and the Google stand-in. When the dust has settled, both sides must agree and nothing may be lost.
//!
//! By default the same fifty are played each time; `HISTORIES` says how many new ones to play instead, `SEED` replays one. A seed fixes what is done and when runs are killed, not how
//! what is done at once is interleaved, so a rare failure may need several replays.
//!
//! - `world`: the clinic in which they play, and its two processes.
//! - `history`: one history, step by step.
//! - `callers`, `people`, `runs`: who does what in it.
//! - `ledger`: what was done, and what must be left of it.
//! - `checks`: whether it is.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "what a test cannot do without, it may insist on; a failed history is told"
)]

mod callers;
mod checks;
mod history;
mod ledger;
mod people;
mod runs;
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use world::World;

/// Histories at once. Most of their time they wait, for Google or the database.
const WORKERS: usize = 6;
/// A world holds so many histories, each in a calendar of its own; then a new one is made.
const HISTORIES_OF_A_WORLD: u64 = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_both_sides_end_up_the_same_and_nothing_is_lost() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let (first, count) = match (number("SEED"), number("HISTORIES")) {
        (Some(seed), _) => (seed, 1),
        (None, Some(count)) => (rand::random_range(0..1 << 40), count),
        // The same ones each time: the verdict is then about the change at hand, not about luck.
        (None, None) => (0, 50),
    };
    let next = Arc::new(AtomicU64::new(0));
    let workers: Vec<_> = (0..WORKERS)
        .map(|_| tokio::spawn(play(first, count, Arc::clone(&next))))
        .collect();
    let mut failed = 0;
    for worker in workers {
        failed += worker.await.unwrap();
    }
    assert_eq!(failed, 0, "histories that ended badly, of {count}");
}

/// Plays histories until `count` are played; tells how many ended badly.
async fn play(first: u64, count: u64, next: Arc<AtomicU64>) -> u64 {
    let mut failed = 0;
    let mut world: Option<World> = None;
    for played in 0_u64.. {
        let offset = next.fetch_add(1, Ordering::Relaxed);
        if offset >= count {
            break;
        }
        if world.is_none() || played % HISTORIES_OF_A_WORLD == 0 {
            world = Some(World::open().await);
        }
        let seed = first + offset;
        if let Some(world) = &mut world
            && let Err(story) = Box::pin(history::play(world, seed)).await
        {
            eprintln!("SEED={seed} ended badly:\n{story}\n");
            failed += 1;
        }
    }
    failed
}
