"""
From the desired state and the prior state to a plan, without writing anything.

Read `plan.py` first: the values. Then `planner.py`, the way from files and state to a plan, and `decide.py`, the
decision table that says for each campaign what happens to it, most often nothing. May import `files`, `api`, `state`
and what lies below. deepdiff stays behind `diff.py`; `echo.py` says whether MsgFlash has what it was sent.
"""
