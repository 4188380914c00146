"""
An embedded MsgFlash: a real server on loopback, built from the reference, to try things on and to test against.

It is an island: standard library and aiohttp only (imported when the server starts), nothing else of this program, so
that client and server cannot be wrong together. Read `server.py` first (`Sandbox`, `serve`), then `service.py` (what
happens to one request, and the table of endpoints) and `world.py` (campaigns and their life). Imports point up:

    server, listener                            starting and stopping; the socket, by aiohttp
    control                                     `/_sandbox/...`, below
    service                                     one request: key, limits, route, endpoint
    campaigns, templates, account               the endpoints: what they check, what they answer
    seed, persistence                           the demo account, the JSON file
    world, delivery, placeholders, values       the pretend account, without I/O; time is passed in
    options, faults, access, validation, clock  choices, things that go wrong on purpose, keys, bodies and queries, time
    exchange, assumptions                       requests, answers, refusals; what no page of MsgFlash says

Served: campaigns (create, get, stats, pause, resume), templates, and to read instances, contacts, groups, messages and
usage. Everything else is 404: changing contacts and groups, sending and scheduling single messages, plans, subscription
and payments, webhooks, statuses, number lookups.

Where nothing is documented the answer carries `x-sandbox-assumption: <section of the reference>`; see `assumptions.py`.

Control, on the same port, for tests and the curious; JSON in, `{"data": ..}` out; no key, no limit, no faults:

    GET    /_sandbox/world                  time, usage, campaigns with payloads, creates counted by payload, requests
    POST   /_sandbox/clock                  {"advance": seconds} or {"to": "2027-01-01T00:00:00Z"}; only ahead
    GET    /_sandbox/faults                 what is still armed
    POST   /_sandbox/faults                 {"fault": "POST /api/v1/campaigns drop_after times=1"}; see `faults.py`
    DELETE /_sandbox/faults
    POST   /_sandbox/account                {"campaigns": false, "whatsapp_business": false, "monthly_outbound": 5,
                                            "monthly_api_requests": 100}; any of them
    POST   /_sandbox/instances/{id}         {"status": "disconnected"}
    POST   /_sandbox/campaigns/{id}/cancel  what only the console can do; also `/fail` and `/delete`
    POST   /_sandbox/reset                  the account as it was at first; no campaigns, no faults
    GET    /_sandbox/assumptions
"""
