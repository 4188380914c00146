"""Measurements and endurance runs, each a script of its own; none is shipped."""
