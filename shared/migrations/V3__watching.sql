-- Which of our secrets keyed the channel's token: once the secret is replaced, so is the channel. And how many pulls in a
-- row found changes of people of which the channel had told nothing: from a few on it is taken for silent.
alter table watch_channels add column token_key text, add column untold int not null default 0;

-- Since when Google refuses to notify of this calendar (it is polled), and the WEBHOOK_URL that its watching last went by:
-- a change of the setting moves the channel, while an address given to setup-watch stays.
alter table calendars add column push_refused_at timestamptz, add column webhook_url text;
