"""
The state in a bucket: Amazon S3 and compatible stores, Google Cloud Storage, Azure Blob Storage.

For a state at `s3://bucket/folder`:

    folder/state.json                   the document, replaced on the condition that it is the one that was read
    folder/backup.json                  the one before it
    folder/journal/<id>/000000.jsonl    one object per append, created on the condition that its key is free
    folder/lock.json                    who holds the lock and for how long, or that it is free
    folder/probe/<id>                   throw-away objects, by which a store proves that it keeps conditions

Everything rests on two promises of a store: of all who create a key one succeeds, and of all who replace an object that
they read one does. `Probe` in `lock.py` tries both before anything is trusted. Three rules follow:

1. **Writer and sealer race for one key.** A journal is sealed by an empty object under its next number, where its
   writer would append. One of them wins; once the sealer has, the writer can create nothing.
2. **A dropped journal leaves its seal behind.** It is gone with its object 000000, but a writer that slept through all
   of this still finds the key taken. Such a tombstone goes after 7 days; a writer gives up after 5.
3. **The store's clock alone says that a lease is over**: a probe that was written just now against the lock's own time.

Read `store.py` first. `objects.py` is the only door to the library, `backends/backend.py` the only way in; what each
cloud takes from the environment is in `clouds.py`. May import `errors` of ours, and the protocol.
"""
