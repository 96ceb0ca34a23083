"""What schemathesis has to know about this API beyond its document."""

import datetime

import schemathesis
from hypothesis import strategies as st

# Years that fit the document's pattern; half of them close together, so that an end comes after its start now and then.
_TIMES = st.datetimes(
    min_value=datetime.datetime(1970, 1, 2), max_value=datetime.datetime(2100, 12, 30)
) | st.builds(
    lambda month, half_hours: datetime.datetime(2031, month, 1) + datetime.timedelta(minutes=30 * half_hours),
    st.integers(1, 12),
    st.integers(0, 60),
)
_OFFSETS = st.sampled_from(["Z", "+05:00", "-03:30"])

schemathesis.openapi.format(
    "date-time", st.builds(lambda time, offset: time.replace(microsecond=0).isoformat() + offset, _TIMES, _OFFSETS)
)
# Google's stand-in notifies whatever address it is given: nobody else's may be made up.
schemathesis.openapi.format("uri", st.just("http://127.0.0.1:9/calendar/webhook"))

# What no schema of one member can say: a rule between two members, or what the clinic knows. Place and first words.
_RULES = [
    ("/starts_at", "must not lie in the past"),
    ("/ends_at", "must be after starts_at"),
    ("/ends_at", "must be at most 24 hours after starts_at"),
    ("/duration_minutes", "must not be given together with ends_at"),
    ("/calendar_id", "is not a configured calendar"),
    ("/to", "must be after from"),
    ("/to", "must be at most 92 days after from"),
    ("/cursor", "must be a next_cursor of this list"),
    ("/page_token", "must be a next_page_token of this list"),
]


@schemathesis.check
def only_rules_refuse_good_data(ctx, response, case):
    """A request that fits the document is refused by one of the rules above, or not at all."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 422:
        return
    problem = response.json()
    if problem["code"] == "idempotency_key_reused":
        return
    for fault in problem["errors"]:
        known = any(fault["pointer"] == place and fault["detail"].startswith(words) for place, words in _RULES)
        assert known, f"no rule refuses this: {fault}"
