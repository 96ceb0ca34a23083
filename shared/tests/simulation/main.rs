//! Random histories: callers, people, runs, faults and deaths in any order and at once, against the real engine, a real
//! PostgreSQL and the Google stand-in. When the dust has settled, both sides must agree and nothing may be lost.
//!
//! By default the same two hundred are played each time: the verdict is then about the change at hand, not about luck.
//! `HISTORIES` says how many new ones to play instead, `SEED` replays one. A history that ends badly is made as small as
//! it goes. A seed fixes what is done and when runs are killed, not how what is done at once is interleaved; so whatever
//! is replayed is played several times.
//!
//! - `plan`: what a history is made of, and how it is drawn.
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
mod plan;
mod runs;
mod world;

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use tokio::runtime::{Builder, Runtime};

use plan::Plan;
use world::World;

/// Histories at once. Most of their time they wait, for Google or the database.
const WORKERS: usize = 6;
/// A world holds so many histories, each in a calendar of its own; then a new one is made.
const HISTORIES_OF_A_WORLD: u64 = 200;
/// How often a history is played that is known to have ended badly, or suspected of it.
const REPLAYS: u32 = 12;
/// How long to look for a smaller history that ends badly, in milliseconds.
const SHRINK_FOR: u32 = 60_000;

#[test]
fn whatever_happens_both_sides_end_up_the_same_and_nothing_is_lost() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let (first, count, plays) = match (number("SEED"), number("HISTORIES")) {
        (Some(seed), _) => (seed, 1, REPLAYS),
        (None, Some(count)) => (rand::random_range(0..1 << 40), count, 1),
        (None, None) => (0, 200, 1),
    };
    let next = AtomicU64::new(0);
    let failed: u64 = thread::scope(|scope| {
        let worker = || scope.spawn(|| Worker::new().play(first, count, plays, &next));
        let workers: Vec<_> = (0..WORKERS).map(|_| worker()).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!(failed, 0, "histories that ended badly, of {count}");
}

struct Worker {
    runtime: Runtime,
    world: RefCell<Option<World>>,
    played: Cell<u64>,
}

impl Worker {
    fn new() -> Self {
        Self {
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
            world: RefCell::new(None),
            played: Cell::new(0),
        }
    }

    /// Plays histories until `count` are played by all workers; tells how many ended badly.
    fn play(&self, first: u64, count: u64, plays: u32, next: &AtomicU64) -> u64 {
        let mut failed = 0;
        loop {
            let offset = next.fetch_add(1, Ordering::Relaxed);
            if offset >= count {
                break;
            }
            let seed = first + offset;
            if let Err(story) = self.play_seed(seed, plays) {
                eprintln!("SEED={seed} ended badly:\n{story}\n");
                failed += 1;
            }
        }
        let _in_runtime = self.runtime.enter();
        self.world.take();
        failed
    }

    /// Draws the history of a seed and plays it; one that ends badly is made smaller.
    fn play_seed(&self, seed: u64, plays: u32) -> Result<(), String> {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let config = Config {
            cases: 1,
            max_shrink_iters: u32::MAX,
            max_shrink_time: SHRINK_FOR,
            failure_persistence: None,
            ..Config::default()
        };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
        let at_first = RefCell::new(None);
        let played = runner.run(&plan::plans(), |plan| {
            let known_bad = at_first.borrow().is_some();
            self.play_plan(&plan, if known_bad { REPLAYS } else { plays })
                .map_err(|story| {
                    at_first.borrow_mut().get_or_insert_with(|| story.clone());
                    TestCaseError::fail(story)
                })
        });
        match played {
            Ok(()) => Ok(()),
            Err(TestError::Fail(story, plan)) => {
                let at_first = at_first.take().unwrap_or_default();
                Err(format!("{at_first}\n\nsmallest: {plan:?}\n{story}"))
            }
            Err(TestError::Abort(reason)) => Err(format!("no history was drawn: {reason}")),
        }
    }

    fn play_plan(&self, plan: &Plan, times: u32) -> Result<(), String> {
        let mut kept = self.world.borrow_mut();
        for _ in 0..times {
            let played = self.played.replace(self.played.get() + 1);
            if played.is_multiple_of(HISTORIES_OF_A_WORLD) {
                let _in_runtime = self.runtime.enter();
                drop(kept.take());
            }
            self.runtime.block_on(async {
                let world = match kept.take() {
                    Some(world) => world,
                    None => World::open().await,
                };
                let world = kept.insert(world);
                let calendar = format!("clinic-{played}@example.com");
                Box::pin(history::play(world, &calendar, plan)).await
            })?;
        }
        Ok(())
    }
}
