-- Which version of the appointment calendar_events.agreed was last compared with: what our side changed in a later
-- one, Google's side did not know. A count, since two clocks would be compared otherwise.
alter table calendar_events add column agreed_version bigint;
update calendar_events set agreed_version = coalesce(pushed_version, 0) where agreed is not null;

-- Contents of writes that Google had not carried out when it was asked, but still may: a request can outlive the process that
-- sent it. They stay possible until the event changes (If-Match) or comes to be (its id is taken).
alter table calendar_events add column strays jsonb not null default '[]';

-- {"field": time}: when a person changed it, by Google's clock. `at` is when we heard of it, which may be much later.
alter table appointment_history add column dated jsonb;

-- A listing that is pulled in parts: where it goes on, and which events a full one has shown so far (`listed_at` is the
-- beginning of the listing that showed it). Without this, one too long for a run would begin anew for ever.
alter table calendars add column unfinished_listing jsonb;
alter table calendar_events add column listed_at timestamptz;

-- When Google was asked for what was last pulled: what it showed is not younger. And when the lease was last taken:
-- what notifications ask for keeps its distance.
alter table calendars add column asked_at timestamptz, add column leased_at timestamptz;
