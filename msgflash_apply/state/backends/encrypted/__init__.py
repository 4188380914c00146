"""
A state that its storage cannot read: encrypted here, before it leaves this machine.

`backend.py` wraps any other backend (read it first); `envelope.py` has the form in which encrypted bytes are stored,
the keys, and the words for what goes wrong. The latter needs no key and no library: even without, an encrypted state is
not taken for a damaged one.

Rules that span the modules:

1. **Every piece is bound to its place.** What is authenticated beside the bytes says whether they are a document or
   an append, of which journal and the how-manieth: none can be swapped, repeated, left out of the middle or moved.
2. **Plain text is refused while a key is set.** Otherwise anyone who can write to the storage could replace the state
   by one that says that nothing was ever sent. Only `state rekey` takes it, when a person runs it.
3. **No key is ever shown.** Its id is: a digest, which says nothing of it.

What this cannot find out: a whole state put back as it once was, and a journal whose last appends were cut off. The
serial and the lineage inside the document do the most that can be done about the former.
"""
