"""
The command line: parse, build the parts, run, print.

May import everything; `wiring.py` alone knows how the parts fit. Read `main.py` first: the group, the error boundary
and the exit codes. Each command is a module of its own, imported when it is called, so that `--help` stays quick.
"""
