-- The record (appointments), what Google should show and last showed (calendar_events), and how far each
-- calendar has been pulled (calendars). Text columns with CHECK instead of enum types: a new value is then
-- one migration, not two.

-- Lets the exclusion constraint below compare calendar_id by equality inside a GiST index.
create extension if not exists btree_gist;

create table calendars (
    -- Google's calendar id.
    id               text primary key,
    -- Where the next incremental listing starts, and the fingerprint of the query it belongs to:
    -- Google refuses a token whose other parameters differ from those of its first request.
    sync_token       text,
    sync_query       text,
    -- Raised by a notification; pulled_seq is set to the value a pull started from. Equal: nothing to do.
    change_seq       bigint not null default 0,
    pulled_seq       bigint not null default 0,
    -- Who may pull. A pull commits only while its lease is still its own and not over.
    lease_owner      uuid,
    lease_until      timestamptz,
    -- Google asked for a long pause (quotaExceeded); nothing is sent before this.
    cooldown_until   timestamptz,
    -- A full listing would have cancelled too much; its cancellations wait for a confirmation.
    mass_cancel_held boolean not null default false,
    last_sync_at     timestamptz,
    last_sync_result jsonb,
    check ((lease_owner is null) = (lease_until is null))
);

create table appointments (
    id                       uuid primary key,
    calendar_id              text not null references calendars,
    patient_name             text not null check (patient_name <> ''),
    patient_phone            text,
    patient_email            text,
    -- Null means the default, which shown_title spells out.
    title                    text check (title <> ''),
    reason                   text,
    shown_title              text not null generated always as
                                 (coalesce(title, reason || ': ' || patient_name, patient_name)) stored,
    notes                    text,
    location                 text,
    starts_at                timestamptz not null,
    ends_at                  timestamptz not null,
    -- IANA name; instants plus a zone, never a stored offset, so that wall time survives DST.
    time_zone                text not null,
    status                   text not null default 'scheduled'
                                 check (status in ('scheduled', 'completed', 'no_show', 'cancelled')),
    -- The caller that booked it.
    source                   text not null,
    version                  bigint not null default 1,
    google_calendar_event_id text not null,
    -- Its times were last set by a person in Google Calendar. Such a move is kept even on top of another
    -- appointment, so the row leaves the exclusion constraint; bookings check against it by a query.
    placed_by_person         boolean not null default false,
    cancellation_reason      text,
    cancelled_at             timestamptz,
    created_at               timestamptz not null default now(),
    updated_at               timestamptz not null default now(),
    constraint appointments_end_after_start check (ends_at > starts_at),
    constraint appointments_cancelled_at check ((status = 'cancelled') = (cancelled_at is not null)),
    constraint appointments_slot_taken exclude using gist
        (calendar_id with =, tstzrange(starts_at, ends_at) with &&)
        where (status = 'scheduled' and not placed_by_person)
);

create index appointments_by_start on appointments (starts_at, id);
-- However it was written: +92 300 123-4567 is found as +923001234567.
create index appointments_by_phone on appointments (regexp_replace(patient_phone, '[^0-9+]', '', 'g'), starts_at, id)
    where patient_phone is not null;
create index appointments_placed_by_person on appointments
    using gist (calendar_id, tstzrange(starts_at, ends_at))
    where status = 'scheduled' and placed_by_person;

-- Each event that we own or owned. The id is chosen here, before Google is first asked.
create table calendar_events (
    calendar_id     text not null references calendars,
    event_id        text not null,
    appointment_id  uuid not null references appointments,
    wanted          text not null check (wanted in ('present', 'absent')),
    -- The appointment's version that the event should show (or by which it should be gone), and the one
    -- that Google last confirmed. Different: there is work to do.
    wanted_version  bigint not null,
    pushed_version  bigint,
    -- What Google last told us of the event.
    seen            text not null default 'never' check (seen in ('never', 'live', 'gone')),
    etag            text,
    -- Since when at the latest Google has shown that. What Google was asked before may be older.
    seen_at         timestamptz,
    -- The content that both sides last had: the base of a merge.
    agreed          jsonb,
    -- The content of a write whose answer we do not have: it may or may not have taken effect.
    sent            jsonb,
    synced_at       timestamptz,
    attempts        int not null default 0,
    next_attempt_at timestamptz not null default now(),
    -- Refused by Google for good; waits for a change of the appointment or for a person.
    parked          boolean not null default false,
    last_error      text,
    -- One push at a time. Whoever changes the row for another reason takes the claim away.
    claim           uuid,
    claimed_until   timestamptz,
    primary key (calendar_id, event_id),
    check ((seen = 'live') = (etag is not null)),
    check ((seen = 'never') = (seen_at is null)),
    check ((claim is null) = (claimed_until is null))
);

-- At most one event per appointment is meant to exist.
create unique index calendar_events_one_present on calendar_events (appointment_id) where wanted = 'present';
create index calendar_events_of_appointment on calendar_events (appointment_id);
create index calendar_events_due on calendar_events (calendar_id, next_attempt_at)
    where pushed_version is distinct from wanted_version and not parked;
create index calendar_events_parked on calendar_events (calendar_id) where parked;

alter table appointments add constraint appointments_current_event
    foreign key (calendar_id, google_calendar_event_id) references calendar_events (calendar_id, event_id);

-- Append-only: who changed what, and when.
create table appointment_history (
    -- Chosen by the writer before the write: a write whose answer was lost is found again by it.
    id             uuid primary key,
    appointment_id uuid not null references appointments,
    version        bigint not null,
    at             timestamptz not null default now(),
    -- The name of an API key, or google_calendar.
    by             text not null,
    change         text not null
                       check (change in ('created', 'updated', 'rescheduled', 'cancelled', 'restored')),
    -- {"starts_at": {"from": ..., "to": ...}}
    fields         jsonb not null,
    unique (appointment_id, version)
);

-- What a reader of the history sees of an appointment's row.
create function appointment_facts(appointment appointments) returns jsonb
language sql stable parallel safe
return jsonb_build_object(
    'calendar_id', appointment.calendar_id,
    'patient_name', appointment.patient_name,
    'patient_phone', appointment.patient_phone,
    'patient_email', appointment.patient_email,
    'title', appointment.shown_title,
    'reason', appointment.reason,
    'notes', appointment.notes,
    'location', appointment.location,
    'starts_at', to_char(appointment.starts_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'ends_at', to_char(appointment.ends_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'time_zone', appointment.time_zone,
    'status', appointment.status,
    'google_calendar_event_id', appointment.google_calendar_event_id,
    'cancellation_reason', appointment.cancellation_reason);

-- {"field": {"from": ..., "to": ...}} for each fact that differs.
create function changed_facts(before jsonb, after jsonb) returns jsonb
language sql immutable parallel safe
return (select coalesce(jsonb_object_agg(key, jsonb_build_object('from', before -> key, 'to', value)), '{}')
        from jsonb_each(after)
        where value is distinct from coalesce(before -> key, 'null'));

create table watch_channels (
    -- Chosen here and stored before Google is asked: its first notification may come before its answer.
    id                   text primary key,
    -- Null for an orphan: a channel that notifies us, with a good token, but that we have no record of opening.
    calendar_id          text references calendars,
    address              text not null,
    -- Google's name of what is watched; null until events.watch has answered.
    resource_id          text,
    expires_at           timestamptz,
    state                text not null default 'opening'
                             check (state in ('opening', 'live', 'stopping', 'stopped')),
    last_message_number  bigint not null default 0,
    last_notification_at timestamptz,
    created_at           timestamptz not null default now(),
    check (state <> 'live' or (calendar_id is not null and resource_id is not null and expires_at is not null))
);

create index watch_channels_by_calendar on watch_channels (calendar_id, expires_at) where state <> 'stopped';
