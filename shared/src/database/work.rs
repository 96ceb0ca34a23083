//! The closures that [`Database`](super::Database) runs.
//!
//! Written as `async |client| ...`, they may borrow what they need from around them, and run several times. `AsyncFn`
//! alone would say that, but not that the futures may move between threads, as a handler's must: stable Rust cannot name
//! them. [`Spawnable`] can, and says it. Nobody implements these traits by hand.

use std::pin::Pin;

use tokio_postgres::{Client, Error, Transaction};

use super::error::DatabaseError;

/// What the methods of [`Database`](super::Database) return: boxed, because its type then shows nothing of the closure's
/// borrows, over which the compiler's check that it may move between threads would stumble.
pub type Outcome<'a, T> = Pin<Box<dyn Future<Output = Result<T, DatabaseError>> + Send + 'a>>;

/// Statements that need no transaction of several, giving `T`.
pub trait Statements<T>:
    AsyncFn(&Client) -> Result<T, Error> + for<'c> Spawnable<&'c Client, Result<T, Error>> + Send + Sync
{
}

impl<T, F> Statements<T> for F where
    F: AsyncFn(&Client) -> Result<T, Error> + for<'c> Spawnable<&'c Client, Result<T, Error>> + Send + Sync
{
}

/// Statements of one transaction, giving `T`. A failed statement is a [`DatabaseError`] by `?`.
pub trait InTransaction<T>:
    AsyncFn(&Transaction<'_>) -> Result<T, DatabaseError>
    + for<'c, 't> Spawnable<&'c Transaction<'t>, Result<T, DatabaseError>>
    + Send
    + Sync
{
}

impl<T, F> InTransaction<T> for F where
    F: AsyncFn(&Transaction<'_>) -> Result<T, DatabaseError>
        + for<'c, 't> Spawnable<&'c Transaction<'t>, Result<T, DatabaseError>>
        + Send
        + Sync
{
}

/// A function whose future may move between threads.
pub trait Spawnable<On, Output>: Fn(On) -> Self::Future {
    /// The future.
    type Future: Future<Output = Output> + Send;
}

impl<On, Output, F, Running> Spawnable<On, Output> for F
where
    F: Fn(On) -> Running,
    Running: Future<Output = Output> + Send,
{
    type Future = Running;
}
