"""
From desired state and record to a plan, without writing anything.

`plan.py` holds the values, `decide.py` the decision table, `planner.py` the way from files and state to a plan. May
import `files`, `api`, `state` and what lies below. deepdiff stays behind `diff.py`.
"""
