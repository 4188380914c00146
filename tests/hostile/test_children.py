"""Hostile files, given to the real command: each ends with an error, and its child has nothing to give away."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.hostile.canaries import a_repo_with_secrets
from tests.hostile.family import PROC
from tests.support.command import PROGRAM, scrubbed_environment, wait_until
from tests.unit.files.repos import write

SECONDS = 60
MOST_MIB = 1024
"""Of the largest process; the others are a tenth of it."""

HEAD = "name: n\nschedule: 2099-01-01T09:00:00Z\nrecipients: {type: all}\ntype: text\n"
EACH = HEAD.replace("name: n", "name: 'n{{ each.key }}'")
NUMBERS = "custom: {n: [" + "1," * 400 + "]}\n"
LOOP = "{% for a in custom.n %}"
ENDLESS = f"{HEAD}{NUMBERS}body: '{LOOP * 6}{'{% endfor %}' * 6}'\n"
MANY = 900_000
BUSY_TICKS = 20


def entries(count: int) -> str:
    """Write a `for_each` of so many entries."""
    return "for_each: {" + ", ".join(f"e{number}: {number}" for number in range(count)) + "}\n"


def body(template: str, custom: str = NUMBERS) -> str:
    """Write a campaign with such a body."""
    return f"{HEAD}{custom}body: '{template}'\n"


def aliases(levels: int, width: int) -> str:
    """Write a list of lists of lists, each of them many times the one before it."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * width)}]" for level in range(1, levels)]
    return "\n".join(lines)


HOSTILE: Mapping[str, tuple[Callable[[], str], str]] = {
    "rounds": (lambda: ENDLESS, "MF109: reading this file takes more than 10 s of processor time"),
    "width": (lambda: body('{{ "%1000000000s" | format(custom.a) }}', "custom: {a: x}\n"), "MF206"),
    "format": (
        lambda: body(
            "{% set x = custom.p | format(a=custom.b) %}", f"custom:\n  p: '{'%(a)s' * 13_000}'\n  b: {'x' * MANY}\n"
        ),
        "MF206",
    ),
    "join": (lambda: body('{{ custom.n | join("x" * 10000000) }}'), "MF206"),
    "loop that gathers": (lambda: body('{% set a = "x" * 100000000 %}' + "{% set a = a ~ a %}" * 9), "MF206"),
    "number": (lambda: body("{{ custom.h | int(0, 16) }}", f"custom: {{h: {'f' * 4_000}}}\n"), "MF206"),
    "brackets": (lambda: f"a: {'[' * 100_000}", "MF102"),
    "brackets of a template": (lambda: body("{{ " + "[" * 100_000 + " }}"), "MF20"),
    "statements inside each other": (lambda: body("{% if 1 %}" * 20_000 + "{% endif %}" * 20_000), "MF20"),
    "braces": (lambda: body("{" * MANY), "MF20"),
    "half of a placeholder": (lambda: body("{{ contact." + "a." * (MANY // 2)), "MF20"),
    "tags without end": (lambda: body("{{ custom.a " * (MANY // 12)), "MF20"),
    "aliases": (lambda: aliases(12, 9), "MF102"),
    "blanks in a start": (lambda: HEAD.replace("2099-01-01T09", "'2099-01-01" + " " * MANY + "T09") + "'body: x", "MF"),
    "digits in a start": (lambda: HEAD.replace("2099", "'" + "2099-01-" * (MANY // 8)).replace("00Z", "00Z'"), "MF"),
    "zone": (lambda: HEAD.replace("09:00:00Z", "09:00:00") + f"timezone: {'a/' * (MANY // 2)}b\nbody: x\n", "MF"),
    "letters of a zone": (lambda: HEAD.replace("09:00:00Z", "09:00:00") + f"timezone: {'a' * MANY}\nbody: x\n", "MF"),
    "former address": (lambda: f"{HEAD}body: x\nmoved_from: ['{'a/' * (MANY // 2)}']\n", "MF"),
    "former addresses": (
        lambda: f"{EACH}body: x\n{entries(1_000)}moved_from: [{','.join(f'f{n}' for n in range(1_000))}]\n",
        "1000 errors",
    ),
    "mistakes of entries": (
        lambda: EACH.replace("type: all", f"type: tags, value: [{'1,' * 1_000}]") + entries(1_000),
        "MF",
    ),
}
"""Files, and what the command says of each of them."""


@dataclass(frozen=True)
class Ending:
    """How a command ended: its exit code, what it said, the time it took, and the memory of its largest process."""

    code: int
    text: str
    seconds: float
    mib: float


def run(folder: Path, *arguments: str) -> Ending:
    """Run a command to its end, and measure it."""
    log = folder / "said.txt"
    begin = time.monotonic()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*PROGRAM, *arguments], cwd=folder, env=scrubbed_environment(), stdout=stream, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    text = log.read_text(encoding="utf-8", errors="replace")
    return Ending(process.returncode, text, time.monotonic() - begin, used.ru_maxrss / 1024)


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_ends_soon_and_small(tmp_path: Path, name: str) -> None:
    """Whatever is in a file, it costs no more than it may, and the command says what is wrong with it."""
    made, said = HOSTILE[name]
    write(tmp_path, {"campaigns/a.yaml": made()})

    ending = run(tmp_path, "validate")

    assert ending.code == 1
    assert said in ending.text
    assert "a bug" not in ending.text
    assert ending.seconds < SECONDS
    assert ending.mib < MOST_MIB


@pytest.mark.slow
def test_hostile_file_hides_no_other(tmp_path: Path) -> None:
    """The mistakes of all files come in one run."""
    digits = HOSTILE["number"][0]()
    files = {"a": HOSTILE["join"][0](), "b": "a: }", "c": f"{HEAD}body: x\n", "d": digits, "e": "[" * 100_000}
    write(tmp_path, {f"campaigns/{name}.yaml": text for name, text in files.items()})

    ending = run(tmp_path, "validate", "--format", "json")

    found = [each for each in json.loads(ending.text)["diagnostics"] if each["severity"] == "error"]
    assert [(each["file"][10:11], each["code"]) for each in found] == [
        ("a", "MF206"), ("b", "MF102"), ("d", "MF206"), ("e", "MF102"),
    ]  # fmt: skip


def test_busy_child_has_nothing_to_give_away(tmp_path: Path) -> None:
    """While a file keeps its child busy, the system shows no environment of it, and nothing that it has open."""
    with a_repo_with_secrets(tmp_path) as repo:
        repo.write("campaigns/a.yaml", ENDLESS)
        running = repo.start("plan", "--offline", "--no-state")
        child = busy_child(running.process.pid)

        assert (child / "environ").read_bytes().strip(b"\0") == b""
        opened = {link.name: str(link.readlink()) for link in (child / "fd").iterdir()}
        assert opened.pop("3").startswith("pipe:")
        assert opened == dict.fromkeys("012", "/dev/null")
        limits = dict(re.findall(r"^Max (\S+ \S+(?: \S+)?) {2,}(\S+)", (child / "limits").read_text(), re.MULTILINE))
        assert (limits["open files"], limits["file size"], limits["core file size"]) == ("0", "0", "0")
        assert int(limits["cpu time"]) <= 12
        assert limits["address space"].isdigit()

        running.signal(signal.SIGINT)
        assert running.wait().code == 130
        assert not child.exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_no_child_outlives_its_command(tmp_path: Path, number: int) -> None:
    """Nothing computes on after its command, however that ended."""
    write(tmp_path, {"campaigns/a.yaml": ENDLESS})
    process = subprocess.Popen([*PROGRAM, "validate"], cwd=tmp_path, env=scrubbed_environment())
    child = busy_child(process.pid)

    process.send_signal(number)
    process.wait()

    wait_until(lambda: not child.exists())


def ticks(process: Path) -> int:
    """The processor time of a process, in hundredths of a second."""
    return int((process / "stat").read_text().rpartition(")")[2].split()[11])


def busy_child(parent: int) -> Path:
    """Wait until a process has a child that computes; gives what the system shows of it."""
    found: list[Path] = []

    def look() -> bool:
        children = [PROC / pid for pid in (PROC / f"{parent}/task/{parent}/children").read_text().split()]
        found[:] = [
            child for child in children if int((child / "stat").read_text().rpartition(")")[2].split()[11]) > 20
        ]
        return bool(found)

    wait_until(look)
    return found[0]
