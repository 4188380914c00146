"""
Decide, then do.

`plan.py` holds the values, `decide.py` the decision table, `make_plan.py` the way from files and state to a plan,
`apply.py` the careful loop that carries it out: `steps.py` has each action, `announce.py` and `create.py` the way of a
create, `writer.py` the journal's only writer. May import `config`, `api`, `state` and what lies below.

One rule spans the package: a create is written down before it is sent and closed only by a proof. Whatever else fails,
an intent without an outcome stays in doubt, and what is in doubt is never sent again until a person resolves it.
"""
