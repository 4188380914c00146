"""
The state in a PostgreSQL database: many states side by side, and a lock that dies with its holder.

Read `store.py` first. What a URL says and may choose is in `address.py`, how a session is made and what it does in
`session.py`, every statement in `statements.py`, the tables and their upgrades in `schema.py`.

Tables, in one schema (`msgflash_apply` unless the URL names another):

    states         which document is the present one of each state
    documents      the present document and up to 100 former ones, each under its version
    journals       each run's journal: how many appends it has had, whether it is sealed
    journal_lines  what each append brought
    locks          who took the lock of each state, and in which session
    migrations     which upgrades the schema has had

Rules that span the modules:

1. **One statement, one change.** Every change is a single statement outside of any transaction block: it happens or it
   does not, and a run that dies leaves nothing half done and no transaction open. Only `schema.py` opens one.
2. **The lock is an advisory lock of one session**, and the row in `locks` only says whose. While a backend object holds
   it, every change goes through that session and proves within its own statement that this session still holds it.
   A session that is lost is never replaced in silence; reads may go through another one.
3. **Nothing hangs.** Connecting, every statement and every wait for another session end in a BackendError, and so does
   a server that falls silent.
"""
