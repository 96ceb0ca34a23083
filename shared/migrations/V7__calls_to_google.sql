-- The calls to Google that runs have reserved lately, all instances together: Google counts them as one user's. One row,
-- rewritten by each reservation; with room on its page and no index on what changes, that leaves nothing to clean up.
create table google_calls (
    one_row boolean not null default true constraint google_calls_one_row primary key check (one_row),
    -- The newest span of time in which some were reserved, counted from 1970.
    newest  bigint not null default 0,
    -- How many in it and in each span before, the newest first.
    calls   int[] not null default '{}'
) with (fillfactor = 25);

-- Reserves calls, for at once: as many of those wanted as leave no more than `most` in so many spans of so many seconds, the
-- present one included. `uncounted` were made without. Where that is fewer, answers in how many seconds there may be more. Its lock is the
-- last one that a statement takes, and goes with the statement: nobody waits for it longer than that.
create function reserve_google_calls(wanted int, uncounted int, most int, span float8, spans int,
                                     out granted int, out free_in float8)
language plpgsql volatile
as $$
declare
    known   google_calls;
    present float8;
    passed  bigint;
    used    int;
begin
    granted := 0;
    if wanted + uncounted <= 0 then
        return;
    end if;
    select * into known from google_calls for update;
    if not found then
        insert into google_calls default values on conflict do nothing;
        select * into known from google_calls for update;
    end if;
    -- Asked for when the lock is had: another one may have been granted something meanwhile.
    present := extract(epoch from clock_timestamp()) / span;
    passed := floor(present) - known.newest;
    -- A clock that was put back a little stands still; one that was put back far tells nothing of what was.
    if passed < 0 and passed > -spans then
        passed := 0;
        present := known.newest;
    end if;
    known.newest := floor(present);
    if passed < 0 or passed >= spans then
        known.calls := '{0}';
    elsif passed > 0 or known.calls = '{}' then
        known.calls := (array_fill(0, array[greatest(passed, 1)::int]) || known.calls)[1:spans];
    end if;
    used := (select sum(reserved) from unnest(known.calls) as reserved) + uncounted;
    granted := greatest(least(wanted, most - used), 0);
    if granted < wanted then
        free_in := span * (
            select spans + 1 - coalesce(max(age) filter (where reserved > 0), 1) - (present - floor(present))
            from unnest(known.calls) with ordinality as before (reserved, age));
    end if;
    if granted + uncounted > 0 then
        known.calls[1] := known.calls[1] + granted + uncounted;
        update google_calls set newest = known.newest, calls = known.calls;
    end if;
end $$;
