"""
Whatever a stranger, a stolen state or a hostile server may send ends in a value, a finding, or one error of ours.

`readers.py` names every reader; `corpus/` holds inputs by reader and ending, and a file added there is a test added;
`bounds.py` confines what may explode; `watched.py` sees what a command opens and whom it asks. Mutants of good inputs
are drawn in `tests/fuzz`.
"""
