"""
Where the state is kept. One protocol (`base.py`, read it first), one module per kind of storage, chosen in `open.py`.

A backend moves bytes: it knows nothing of campaigns, entries or serials. It may import `errors` of ours, and each
storage's library is imported in its own module alone.
"""
