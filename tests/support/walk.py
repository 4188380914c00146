"""
Pages that are walked through as they stand: their files written, their commands typed, their output compared.

A fenced block whose first line is a comment with a path (`# campaigns/spring.yaml`) is a file; a `console` block holds
commands after `$ ` and what each prints. A line `...` stands for any lines, `...` within a line for any part of it, and
ids, times, digests and ports of this machine are all alike. What one command exports, the later ones have.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import scrubbed_environment

ROOT = Path(__file__).parents[2]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
STEP = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
EXPORT = re.compile(r"export (\w+)=.*")
FILE = re.compile(r"# ([\w./-]+\.(?:ya?ml|json|txt))\n")
CHANGING = (
    (re.compile(r"sha256:(?:[0-9a-f]{64}|\.\.\.)"), "sha256:..."),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "<sandbox>"),
    (re.compile(r"in \d+ d(?: \d+ h)?"), "in some days"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?Z?"), "<time>"),
    (re.compile(r"\d+ left this month"), "some left this month"),
    (
        re.compile(r"^[a-z]+ (?:template )?\S+  id \S+  \(\d+/\d+\)\n", re.MULTILINE),
        "",
    ),  # progress, in the order of answers
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    text: str

    @property
    def file(self) -> str | None:
        """The path of the file that it shows, if it shows one."""
        found = FILE.match(self.text)
        return found[1] if found else None

    @property
    def steps(self) -> list[tuple[str, str]]:
        """The commands of a console, and what each prints."""
        return STEP.findall(self.text) if self.language == "console" else []


@dataclass(frozen=True)
class Walker:
    """Somebody who follows a page in a folder, with a sandbox and variables of their own."""

    folder: Path
    sandbox: Sandbox
    environ: dict[str, str] = field(default_factory=dict)

    def walk(self, page: str) -> Iterator[tuple[str, str, str]]:
        """Write each file and type each command in turn; yields the command, what it should print, what it prints."""
        for block in blocks(page):
            self.write(block)
            for command, expected in block.steps:
                yield command, expected, self.type(command)

    def write(self, block: Block) -> None:
        """Write the file that a block shows, if it shows one."""
        if block.file is not None:
            path = self.folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")

    def type(self, command: str) -> str:
        """Type a command into a shell; returns all that it shows."""
        if exported := EXPORT.fullmatch(command):
            self.environ[exported[1]] = self._said(f'{command}; printf %s "${exported[1]}"')
            return ""
        return self._said(command)

    def _said(self, command: str) -> str:
        environment = scrubbed_environment() | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "MSGFLASH_BASE_URL": self.sandbox.url,
            "MSGFLASH_API_KEY": self.sandbox.api_key,
            **self.environ,
        }
        done = subprocess.run(  # noqa: S602 - the page's own lines, pipes included
            command,
            shell=True,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout


def blocks(page: str) -> list[Block]:
    """Collect a page's fenced blocks, in order."""
    return [Block(*found) for found in FENCED.findall(page)]


def prints(expected: str, printed: str) -> bool:
    """Whether a command printed what its page shows."""
    pattern = "".join(map(_pattern, steady(expected).splitlines()))
    return re.fullmatch(pattern, steady(printed)) is not None


def _pattern(line: str) -> str:
    return r"(?:.*\n)*" if line == "..." else re.escape(line).replace(re.escape("..."), ".*") + r"\n"


def steady(text: str) -> str:
    """Take out what changes from run to run."""
    for pattern, replacement in CHANGING:
        text = pattern.sub(replacement, text)
    return text.strip() + "\n"
