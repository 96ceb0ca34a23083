-- Which version of the appointment calendar_events.agreed was last compared with: what our side changed in a later
-- one, Google's side did not know. A count, since two clocks would be compared otherwise.
alter table calendar_events add column agreed_version bigint;
update calendar_events set agreed_version = coalesce(pushed_version, 0) where agreed is not null;

-- Writes that Google had not carried out when it was asked, but still may: a request can outlive the process that
-- sent it. They stay possible until the event changes (If-Match) or comes to be (its id is taken).
alter table calendar_events add column strays jsonb not null default '[]';

-- {"field": time}: when a person changed it, by Google's clock. `at` is when we heard of it, which may be much later.
alter table appointment_history add column dated jsonb;

-- A listing that ran out of time: where it goes on, what it belongs to, and which events a full one has shown so far
-- (of the one that began then). Without this, a listing too long for one run would begin anew for ever.
alter table calendars add column unfinished_listing jsonb;
alter table calendar_events add column listed_at timestamptz;

-- When the last pull asked Google. One that a notification asks for keeps its distance from it.
alter table calendars add column asked_at timestamptz;
