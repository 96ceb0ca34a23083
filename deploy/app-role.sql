-- The role that the functions use: it reads and writes rows and can change nothing else. To be run once by the database's
-- owner, before or after the first `make migrate`:
--
--   psql "$OWNER_URL" -v password="$(openssl rand -hex 24)" -f deploy/app-role.sql
--
-- A role made in Neon's console would be a member of neon_superuser; one made here is not.
create role clinic_app login password :'password';
-- What migrations have made, and what they will.
grant select, insert, update, delete on all tables in schema public to clinic_app;
alter default privileges in schema public grant select, insert, update, delete on tables to clinic_app;
-- The same limits that `migrate` gives to the role that it runs as: within them, a caller on the line has an answer.
alter role clinic_app set statement_timeout = '8s';
alter role clinic_app set lock_timeout = '5s';
