"""
An embedded MsgFlash: a real HTTP server on loopback, written from the reference, to try things out and to test against.

It is an island: it imports the standard library and aiohttp (when a server starts) and nothing else of this program, so
that client and server cannot be wrong together. Read `server.py` first (`Sandbox`, `serve`), then `service.py` (what
happens to one request, and the table of endpoints) and `world.py` (campaigns and their life).

A module imports from its own line and the lines below, without circles:

    server, listener                            starting and stopping; HTTP, by aiohttp
    control                                     the endpoints `/_sandbox/...`, see below
    service                                     one request: key, limits, route, endpoint
    messages                                    the endpoints `/api/v1/messages`
    campaigns, templates, account               the other endpoints `/api/v1/...`
    seed, persistence                           the demo account; the file of `--data`
    world, delivery, placeholders, values       the account and its campaigns, without I/O
    options, faults, access, validation, clock  what the ones above need
    exchange, assumptions                       requests and responses; what had to be assumed

Served: campaigns (create, get, stats, pause, resume), templates, messages (send, list, get), and to read instances,
contacts, groups and usage. Everything else is 404: changing contacts and groups, scheduling single messages, plans,
subscription and payments, webhooks, statuses, number lookups.

An answer that rests on an assumption carries `x-sandbox-assumption: <section of the reference>`; see `assumptions.py`.

Control endpoints on the same port, for tests and the curious. JSON in, `{"data": ..}` out; no key, no limit, no faults:

    GET    /_sandbox/world                  time, usage, campaigns with payloads, creates counted by payload, requests
    POST   /_sandbox/clock                  {"advance": seconds} or {"to": "2027-01-01T00:00:00Z"}; never back
    GET    /_sandbox/faults                 the faults that are still armed
    POST   /_sandbox/faults                 {"fault": "POST /api/v1/campaigns drop_after times=1"}; see `faults.py`
    DELETE /_sandbox/faults
    POST   /_sandbox/account                {"campaigns": false, "whatsapp_business": false, "monthly_outbound": 5,
                                            "monthly_api_requests": 100}, or some of them
    POST   /_sandbox/instances/{id}         {"status": "disconnected"}
    POST   /_sandbox/campaigns/{id}/cancel  what only the console can do; also `/fail` and `/delete`
    POST   /_sandbox/reset                  a new demo account; no campaigns, no faults
    GET    /_sandbox/assumptions
"""
