"""
Carry a plan out: the careful loop.

`loop.py` has the loop, `actions.py` each action, `create.py` the way of a create, `run.py` what they all share,
`journal_writer.py` the journal's only writer, `records.py` what is written without a request. May import `plan` for its
values, and what lies below it.

One rule spans the package: a create is written down before it is sent, and closed only by a proof. Whatever else fails,
an intent without an outcome stays in doubt, and what is in doubt is never sent again until a person resolves it.
"""
