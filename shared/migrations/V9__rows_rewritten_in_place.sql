-- A row that is rewritten where its page has room, and in nothing that an index knows, is no news to any index. Events are claimed,
-- sent and confirmed, appointments are changed by both sides.
alter table calendar_events set (fillfactor = 70);
alter table appointments set (fillfactor = 85);
-- Every claim was news to this one. Those that are given back are looked for among what is due.
drop index calendar_events_claimed;
