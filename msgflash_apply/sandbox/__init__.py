"""
An embedded MsgFlash: a real server on loopback, built from the reference, to try things on and to test against.

It is an island: standard library and aiohttp only (imported when the server starts), nothing else of this program, so
that client and server can not be wrong together. Read `server.py` first (`Sandbox`, `serve`), then `service.py` (what
happens to one request), `routes.py` (the table of endpoints) and `world.py` (campaigns and their life).

    clock, values, world, delivery, stats   the pretend account, without I/O; time is passed in
    checks, bodies, paging, placeholders    reading requests
    shapes, safety, refusal, exchange       writing answers
    access, limits                          keys, rate limit
    faults, fault_queue                     things that go wrong on purpose
    operations/, routes, control, service   one request after the other
    seed, persistence, codec                the demo account, the JSON file
    connection, listener, server            the socket

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
