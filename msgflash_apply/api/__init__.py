"""
MsgFlash over HTTP: one method per endpoint, one pace for the whole process, and no guessing about creates.

May import `campaign` and `errors`. Read `outcome.py` first: it decides what may be sent again and what never.
httpx stays behind `client.py`.
"""
