"""What was probably meant: the nearest of the known words, and values shown in one short line."""

import json
from collections.abc import Iterable
from itertools import islice

SHOWN_CHARACTERS = 40
LISTED_WORDS = 12
COMPARED_WORDS = 500
COMPARED_CHARACTERS = 100
"""Comparing takes the product of the lengths, and a stranger decides what is compared."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` is most likely a slip for, whatever the case; None when none comes near."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

    if len(word) > COMPARED_CHARACTERS:
        return None
    few = islice((candidate for candidate in known if len(candidate) <= COMPARED_CHARACTERS), COMPARED_WORDS)
    by_lower = {candidate.lower(): candidate for candidate in few}
    found = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint: the near miss when there is one, else the list of what is known."""
    candidates = sorted(known)
    if (meant := nearest(word, candidates)) is not None:
        return f"did you mean `{meant}`?"
    return "known here: " + listed(candidates)


def listed(words: Iterable[str]) -> str:
    """Words in backticks with commas; a long list is cut and says so."""
    every = list(words)
    shown = ", ".join(f"`{word[:COMPARED_CHARACTERS]}`" for word in every[:LISTED_WORDS])
    rest = len(every) - LISTED_WORDS
    return f"{shown} and {rest} more" if rest > 0 else shown


def shown(value: object) -> str:
    """A value as it would stand in a file, on one line, cut when long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
