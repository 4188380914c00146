"""
MsgFlash over HTTP: one method per endpoint, one rate limit for the whole process, and no guessing about creates.

Read `outcome.py` first: it decides what may be sent again and what never. `client.py` has the endpoints, `limiter.py`
the pace of requests. May import `campaign` and `errors`. httpx stays behind `client.py`.
"""
