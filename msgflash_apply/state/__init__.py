"""
What we know was sent: the snapshot (a document), the journal (appended to by a run), the ledger (which writes both).

May import `campaign` and `errors` of ours, nothing else; pydantic only in `shape.py`. Read `ledger.py` first, then
`replay.py` for what each journal entry means; to read a state is `reading.py`, to make one is in `commit.py`. What
people do to it by hand is `edits.py`, `push.py`, `recovery.py` and `migrate.py`; older documents come in through
`upgrade.py`.

Rules that span the modules, and why a crash, a lost lock or a broken disk loses nothing:

1. **Durable before sent, durable before told.** `Ledger.append` returns once the entry is on disk.
2. **An intent without an outcome is in doubt**, whoever finds it. No other rule is needed to read a journal.
3. **One journal can grow at a time.** Whoever opens a ledger first writes the head of its own journal, then seals every
   other one. So of two runs that both believe to hold the lock at most one can announce another create, and it knows
   every create that the other announced. A sealed run writes nothing more; what it still learns is its `unsaved`.
4. **A journal is folded once.** A snapshot names the journal folded in last, and that journal is dropped right before
   the document is replaced again: a journal that exists is not folded yet, or is the one that the snapshot names. Until
   then it stays, so that the backup and it are a second copy of the state, and an older document is found out.
5. **Every write of the document compares and swaps**, and only `commit.py` moves the serial.
6. **A state is live at one place.** A copy elsewhere is marked, before a move and after it, and no reader takes it for
   a state; `migrate.py` has the order of the steps.
"""
