"""
Where the state is kept: one protocol (`base.py`, read it first), one module or package per kind of storage.

`backend.py` chooses the storage by the URL and is what all of them have in common; `encryption.py` is the form of the
bytes where there are keys.

A storage moves bytes: it knows nothing of campaigns, entries or serials. It may import `errors` of ours, and each
storage's library is imported in its own module alone.
"""
