"""
The record of what was sent: the snapshot (a document), the journals (appended to by runs), and the ledger (the writer).

Read `ledger.py` first, then `replay.py` for what each journal entry means. `reading.py` only reads; `commit.py` makes a
state and replaces its document; `lock.py` says when a lock ends. The commands for people are in `edits.py`,
`recovery.py`, `rekey.py` and `migrate.py`. `codec.py` is the state as text, `upgrade.py` brings in older documents, and
`backends/` are the storages. May import `campaign`, `clock` and `errors` of ours, nothing else.

Rules that span the modules, and why a crash, a lost lock or a broken disk loses nothing:

1. **Durable before sent, durable before reported.** `Ledger.append` returns once the entry is on disk.
2. **An intent without an outcome is in doubt**, whichever run finds it. No other rule is needed to read a journal.
3. **One journal can grow at a time.** A run that opens a ledger first writes the head of its own journal, then seals
   every other one. So of two runs that both believe that they hold the lock, at most one can announce another create,
   and it knows every create that the other announced. A sealed run writes nothing more; what it still learns is in its
   `unsaved`.
4. **A journal is folded once.** A snapshot names the journal folded in last, and that journal is dropped right before
   the document is replaced again: a journal that exists is not folded yet, or is the one that the snapshot names. Until
   then it stays, so that the backup and the journal are a second copy of the state, and an older document is detected.
5. **Every write of the document compares and swaps**, and only `commit.py` moves the serial.
6. **A state is live at one place.** A copy elsewhere is marked, before a move and after it, and no reader takes it for
   a state; `migrate.py` has the order of the steps.
"""
