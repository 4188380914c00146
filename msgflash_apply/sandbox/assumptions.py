"""
What the sandbox had to assume, because no page of MsgFlash says it (reference 10).

An answer that rests on one carries the header `x-sandbox-assumption` with the section's number.
"""

from typing import Final

HEADER: Final = "x-sandbox-assumption"

ASSUMPTIONS: Final = (
    "10.1 Creating is not idempotent: two equal bodies make two campaigns.",
    "10.1 An unknown route answers 404 NOT_FOUND, `Route not found`; so do list, cancel, delete and update.",
    "10.1 Checks run in this order: key and team, rate, API quota, plan, body, ids, buttons, outbound quota.",
    "10.1 A malformed id in a path is 404; in a body it is 400. Unknown fields and nulls are 400 (strict).",
    "10.2 A schedule in the past starts at once. Any ISO instant with a zone is accepted and echoed in UTC.",
    "10.2 daily and weekly: after a run the campaign waits for the next, same id, counters accumulate.",
    "10.3 Resuming before the start gives `scheduled`. Pausing twice, or resuming while running, is 400 BAD_REQUEST.",
    "10.3 The audience is fixed at the start; an empty one completes; a disconnected instance fails its messages.",
    "10.3 Only a resume ends paused_quota and paused_plan; it answers 429 or 403 while the cause lasts.",
    "10.3 One message a second goes out per campaign; most are delivered after 2 s and read after 30 s.",
    "10.4 Several tags mean any of them, compared exactly. Unknown contact ids are 400, an unknown group 404.",
    "10.4 A template's missing custom variables fail recipient by recipient; direct text is sent as it is.",
    "10.4 A campaign whose template was deleted before its start becomes `failed`.",
    "10.4 A single message leaves after 1 s and is delivered 2 s later; `contact.*` needs its `contactId`.",
    "10.4 Single messages of type location and contact are refused: their fields are not documented.",
    "10.5 The rate limit is a sliding second of 10 per key; refused requests count toward the month.",
    "10.5 Items of `details` are `{path, message}`. Quota months are UTC calendar months.",
)
"""One line each, the section of the reference first; the `sandbox` command prints them."""
