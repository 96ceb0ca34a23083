-- People's own events, as far as availability needs them: no title, no text. Kept by pulls, under the calendar's lease.
create table busy_events (
    calendar_id text not null references calendars,
    event_id    text not null,
    -- Of an exception to a series: which series, and the start of the occurrence that it replaces.
    series_id   text,
    replaces    jsonb,
    -- Start, end and recurrence, as Google tells them; null for an exception that takes no time.
    times       jsonb,
    -- The occurrences that take time, laid out as far as calendars.busy_until. One row an event: few rows, and a booking
    -- asks the same way for single events and for series.
    busy        tstzmultirange not null,
    -- The beginning of the full listing that last showed it, where that was taken in parts.
    listed_at   timestamptz,
    primary key (calendar_id, event_id),
    check ((series_id is null) = (replaces is null))
);

create index busy_events_of_series on busy_events (calendar_id, series_id) where series_id is not null;
create index busy_events_by_time on busy_events using gist (calendar_id, busy);

-- By what the occurrences above are laid out: the horizon, and the clinic's zone. Either moves: all are laid out again.
alter table calendars add column busy_until timestamptz, add column busy_zone text;
