-- What ends after a time starts less than a day before it, but for these: callers cannot book them, people can make them
-- in Google. So a list from some time on is read from there, and need not begin with the oldest appointment. In the order
-- of lists: sorted by anything else, the planner, who takes long ones for common, would rather read all appointments by start.
create index appointments_longer_than_a_day on appointments (starts_at, id)
    where ends_at - starts_at > interval '24 hours';
-- A list of a status that few have. What is scheduled is what most lists show anyway, and bookings do not pay for this.
create index appointments_not_scheduled on appointments (status, starts_at, id) where status <> 'scheduled';
-- What a push has claimed, when it gives back what it did not use: few, in a calendar of many.
create index calendar_events_claimed on calendar_events (claim) where claim is not null;
-- All channels that a calendar ever had, the stopped ones too: when it was last notified of is asked once an hour and calendar.
create index watch_channels_of_calendar on watch_channels (calendar_id);
