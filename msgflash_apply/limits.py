"""
How much of a repo is read and shown: limits that no honest repo meets, listed in docs/reference.md.

What one file may cost in time and memory is left to the operating system: `files/bounded.py`.
"""

from typing import Final

MAX_FILE_BYTES: Final = 1_048_576
"""Of one file."""

MAX_FILES: Final = 200_000
"""Of campaigns, in a repo."""

MAX_DOCUMENTS: Final = 1_000
"""With content, in one file."""

MAX_LEVELS: Final = 50
"""Of maps and lists inside each other, aliases followed."""

MAX_VALUES: Final = 100_000
"""In one file, every alias counted as all that it brings in."""

MAX_ENTRIES: Final = 10_000
"""Of one `for_each`."""

MAX_CAMPAIGNS: Final = 200_000
"""In a repo."""

MAX_ENVIRONMENTS: Final = 50
"""In msgflash.yaml: `validate` reads the files for each."""

MAX_TEXT: Final = 65_536
"""Characters of one rendered text."""

MAX_FINDINGS: Final = 1_000
"""That are shown, and that are looked for in one document."""
