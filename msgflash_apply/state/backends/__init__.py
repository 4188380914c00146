"""
Where the state is kept: one protocol (`base.py`, read it first), one module or package per kind of storage.

`open.py` chooses the storage by the URL, and wraps it with `encrypted/` where there are keys.

A backend moves bytes: it knows nothing of campaigns, entries or serials. It may import `errors` of ours, and each
storage's library is imported in its own module alone.
"""
