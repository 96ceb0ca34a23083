//! How long the server works on a statement before it gives up by itself, so that no process that was frozen, killed or
//! tired of waiting leaves work behind that nobody wants.
//!
//! A transaction carries its limits with it. A single statement cannot, in its one round trip: a limit set by the statement
//! comes too late for itself, one set before it stays in a session that a pooler gives to somebody else next, and poolers
//! refuse those sent at the start of a connection. So [`migrate`](super::migrate()) gives them to the role that it connects
//! as, in this database; sessions that are opened from then on have them, behind a pooler too.

use std::time::Duration;

/// How long a single statement waits for a lock, in step with [`FOR_THE_ROLE`]. Within a caller's patience, so that whoever
/// waited for nothing is told so.
pub(super) const LOCK_WAIT: Duration = Duration::from_secs(5);

/// Limits of single statements, where nobody has given the role others. Both are shorter than a caller on the line waits:
/// the server's refusal says that nothing was done, which silence would not.
pub(super) const FOR_THE_ROLE: &str = "
    do $$
    declare
        bound record;
    begin
        for bound in
            select name, value
            from (values ('statement_timeout', '8s'), ('lock_timeout', '5s')) as wanted (name, value)
            join pg_settings using (name)
            where reset_val = '0'
        loop
            execute format('alter role %I in database %I set %s = %L',
                           session_user, current_database(), bound.name, bound.value);
        end loop;
    end $$";

/// Limits of a transaction. It only computes between its statements: the server ends one whose process is silent for longer
/// than 10 seconds, since frozen, or gone without a word, it would keep its rows locked against everybody. A lock is waited
/// for until such a one has let go. All of them end before we give up the connection.
pub(super) const OF_A_TRANSACTION: &str = "
    set local idle_in_transaction_session_timeout = '10s';
    set local lock_timeout = '12s';
    set local statement_timeout = '14s'";
