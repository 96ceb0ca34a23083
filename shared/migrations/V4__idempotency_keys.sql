-- Writes that callers sent under an Idempotency-Key, with what is needed to give the same answer again. Only what was
-- carried out stands here, put there by the statement that did it: a refusal changed nothing and is judged anew.
create table idempotency_keys (
    -- Who sent it; a key is nobody else's.
    caller      text not null,
    key         text not null,
    -- SHA-256 of what was asked: another request under the same key is an error.
    request     bytea not null,
    -- The run that wrote this (appointment_history has its change under this id): one whose answer was lost knows its own.
    write_id    uuid not null,
    -- The row of the appointment as the answer showed it, and what it showed of its event.
    appointment jsonb not null,
    event       jsonb not null,
    -- From then on the key is as good as new.
    expires_at  timestamptz not null default now() + interval '24 hours',
    primary key (caller, key)
);

create index idempotency_keys_by_expiry on idempotency_keys (expires_at);

-- What stands under a key now. Volatile, so that it looks when it is called, by when the lock of the key has been tried;
-- the statement around it sees the tables as they were when it began.
create function idempotency_record(caller text, key text) returns setof idempotency_keys
language sql volatile rows 1
as $$
    select k.* from idempotency_keys k
    where (k.caller, k.key) = (idempotency_record.caller, idempotency_record.key) and k.expires_at > now()
$$;
