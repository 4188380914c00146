"""
What each endpoint does: functions from a world and a call to an answer, without sockets.

They import the modules beside this package, never each other's and nothing above. Read `campaigns.py` first.
"""
