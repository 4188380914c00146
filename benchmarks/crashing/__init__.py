"""
What `benchmarks/crash.py` is made of. Read `sequence.py` first: one account, one repo, one state, and the runs on it.

    files.py     the campaigns of the repo, and how people go on editing them
    strikes.py   when and how a run is struck
    account.py   what is on the server
    watch.py     what a run at work, or a dead one, shows through its state
    tally.py     what was counted
"""
