"""The table of codes is complete, and each code means one thing."""

import re
from pathlib import Path

from msgflash_apply import findings
from msgflash_apply.findings import Code

PACKAGE = Path(findings.__file__).parent
SOURCES = [file for part in ("files", "models", "plan", "apply") for file in (PACKAGE / part).glob("*.py")]
WRITTEN_OUT = re.compile(r"MF[0-9]{3}")
BY_NAME = re.compile(r"\bCode\.([A-Z_]+)")


def test_each_code_has_one_meaning() -> None:
    """No code stands twice in the table, and no meaning either."""
    assert len({code.value for code in Code.__members__.values()}) == len(Code.__members__)
    assert len({code.meaning for code in Code}) == len(Code)
    assert all(WRITTEN_OUT.fullmatch(code) for code in Code)


def test_every_code_in_use_is_listed() -> None:
    """Whatever code a module gives to a finding has its line in the table."""
    text = "".join(file.read_text(encoding="utf-8") for file in SOURCES)

    used = set(WRITTEN_OUT.findall(text)) | {Code[name].value for name in BY_NAME.findall(text)}

    assert used <= {code.value for code in Code}


def test_every_listed_code_is_in_use() -> None:
    """The table holds no code that nothing can draw."""
    text = "".join(file.read_text(encoding="utf-8") for file in SOURCES)

    used = set(WRITTEN_OUT.findall(text)) | {Code[name].value for name in BY_NAME.findall(text)}

    assert {code.value for code in Code} - used == set()
