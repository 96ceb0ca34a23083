"""Google's own Python client against the stand-in for Google Calendar.

    python google_client.py BASE_URL KEY_FILE

BASE_URL is the base URL of the Calendar API, KEY_FILE the key of the service account. The default calendar is used.
It exits with 0 when the client finds everything as it is at Google, and else with 1 and a line that says what is not.
"""

import http.server
import json
import pathlib
import queue
import sys
import threading
import uuid

from google.oauth2 import service_account
from googleapiclient.discovery import build_from_document
from googleapiclient.errors import HttpError

CALENDAR = "clinic@example.com"
DOCUMENT = pathlib.Path(__file__).parent.parent / "google" / "calendar.v3.json"
SCOPE = "https://www.googleapis.com/auth/calendar"


class Wrong(Exception):
    """Something is not as it is at Google."""


def main():
    base_url, key_file = sys.argv[1:]
    credentials = service_account.Credentials.from_service_account_file(key_file, scopes=[SCOPE])
    document = json.loads(DOCUMENT.read_text())
    calendar = build_from_document(
        document, credentials=credentials, client_options={"api_endpoint": base_url.rstrip("/") + "/"}
    )
    hook = Hook()
    check_calendar(calendar)
    channel = watch(calendar, hook)
    event, token = insert_and_list(calendar)
    expect("a notification", hook.next()["X-Goog-Resource-State"], "exists")
    event = patch(calendar, event)
    delete(calendar, event, token)
    refusals(calendar, event, token)
    calendar.channels().stop(body={"id": channel["id"], "resourceId": channel["resourceId"]}).execute()


def check_calendar(calendar):
    expect("the zone", calendar.calendars().get(calendarId=CALENDAR).execute()["timeZone"], "Asia/Karachi")


def watch(calendar, hook):
    body = {"id": str(uuid.uuid4()), "type": "web_hook", "address": hook.address, "token": "secret"}
    channel = calendar.events().watch(calendarId=CALENDAR, body=body).execute()
    hello = hook.next()
    expect("the first message", hello["X-Goog-Resource-State"], "sync")
    expect("its channel", hello["X-Goog-Channel-ID"], channel["id"])
    expect("its resource", hello["X-Goog-Resource-ID"], channel["resourceId"])
    expect("its token", hello["X-Goog-Channel-Token"], "secret")
    return channel


def insert_and_list(calendar):
    _, token = list_all(calendar)
    body = {
        "id": uuid.uuid4().hex,
        "summary": "Check-up",
        "start": {"dateTime": "2026-12-01T09:00:00+05:00", "timeZone": "Asia/Karachi"},
        "end": {"dateTime": "2026-12-01T09:30:00+05:00", "timeZone": "Asia/Karachi"},
        "extendedProperties": {"private": {"appointment_id": "7"}},
    }
    event = calendar.events().insert(calendarId=CALENDAR, body=body, sendUpdates="none").execute()
    expect("the id", event["id"], body["id"])
    expect("the start", event["start"], body["start"])
    changes, token = list_all(calendar, syncToken=token)
    expect("the increment", [change["id"] for change in changes], [event["id"]])
    refused("a taken id", 409, "duplicate", calendar.events().insert(calendarId=CALENDAR, body=body))
    return event, token


def patch(calendar, event):
    stale = event["etag"]
    later = {"start": {"dateTime": "2026-12-01T10:00:00+05:00"}, "end": {"dateTime": "2026-12-01T10:30:00+05:00"}}
    moved = if_match(calendar.events().patch(calendarId=CALENDAR, eventId=event["id"], body=later), stale).execute()
    expect("the new start", moved["start"]["dateTime"], "2026-12-01T10:00:00+05:00")
    expect("the title", moved["summary"], "Check-up")
    again = calendar.events().patch(calendarId=CALENDAR, eventId=event["id"], body={"summary": "x"})
    refused("a stale etag", 412, "conditionNotMet", if_match(again, stale))
    return moved


def delete(calendar, event, token):
    gone = calendar.events().delete(calendarId=CALENDAR, eventId=event["id"])
    if_match(gone, event["etag"]).execute()
    changes, _ = list_all(calendar, syncToken=token)
    expect("the tombstone", [(change["id"], change["status"]) for change in changes], [(event["id"], "cancelled")])
    refused("deleting twice", 410, "deleted", calendar.events().delete(calendarId=CALENDAR, eventId=event["id"]))


def refusals(calendar, event, token):
    events = calendar.events()
    refused("an unknown event", 404, "notFound", events.get(calendarId=CALENDAR, eventId="0" * 20))
    refused("an unknown calendar", 404, "notFound", events.list(calendarId="nobody@example.com"))
    clash = events.list(calendarId=CALENDAR, syncToken=token, timeMin="2026-12-01T00:00:00Z")
    refused("timeMin beside a sync token", 400, "invalidParameter", clash)
    empty = {"start": event["start"], "end": event["start"]}
    refused("an empty time range", 400, "timeRangeEmpty", events.insert(calendarId=CALENDAR, body=empty))


def list_all(calendar, **query):
    events, page = [], None
    while True:
        answer = calendar.events().list(calendarId=CALENDAR, maxResults=2500, pageToken=page, **query).execute()
        events += answer["items"]
        page = answer.get("nextPageToken")
        if page is None:
            return events, answer["nextSyncToken"]


def if_match(request, etag):
    request.headers["If-Match"] = etag
    return request


def expect(what, found, wanted):
    if found != wanted:
        raise Wrong(f"{what} is {found!r}, not {wanted!r}")


def refused(what, status, reason, request):
    try:
        request.execute()
    except HttpError as error:
        expect(f"the status for {what}", error.resp.status, status)
        expect(f"the reason for {what}", error.error_details[0]["reason"], reason)
    else:
        raise Wrong(f"{what} is let through")


class Hook:
    """A web hook that keeps the headers of its messages."""

    def __init__(self):
        self.messages = queue.Queue()
        messages = self.messages

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                messages.put(self.headers)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{server.server_port}/"

    def next(self):
        try:
            return self.messages.get(timeout=30)
        except queue.Empty:
            raise Wrong("no notification came") from None


if __name__ == "__main__":
    try:
        main()
    except (Wrong, HttpError) as fault:
        sys.exit(f"not as at Google: {fault}")
    print("as at Google")
