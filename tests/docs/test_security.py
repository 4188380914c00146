"""The page on security names the tests that prove it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_every_proof_is_there() -> None:
    """Each test that the page names exists, and each defence names one."""
    table = PAGE.partition("## What is defended")[2].partition("\n## ")[0]
    proofs = [row.rsplit("|", 2)[1] for row in re.findall(r"^\| .* \|$", table, re.MULTILINE)[1:]]
    named = [re.findall(r"`(tests/[\w/.]+)`", proof) for proof in proofs]

    assert all(named)
    assert [path for paths in named for path in paths if not (ROOT / path).exists()] == []
