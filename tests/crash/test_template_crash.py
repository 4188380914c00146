"""
Die before and after every effect of plans over templates and campaigns; then the next runs finish them.

No campaign is sent twice, none with other words than its file had, and no template is made twice: what a create made
whose answer never came is found again.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import httpx
import pytest

from msgflash_apply.campaign import Desired, Lifecycle
from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.template import DesiredTemplate
from tests.support.builders import a_sender_of, a_template
from tests.support.doors import CrashingBackend, When
from tests.support.runs import LATER, STILL, CrashingTransport, World, survives

Door = Literal["journal", "http"]
Files = tuple[Sequence[DesiredTemplate], Sequence[Desired]]

OLD, NEW = "Hello {{contact.firstName}}", "Bye {{contact.firstName}}"
ROUNDS = 4


def is_change(request: httpx.Request) -> bool:
    """Whether a request changes anything."""
    return request.method != "GET"


def files(verb: str) -> tuple[Files, Files]:
    """What the files say before a verb, and for it: two templates, and a campaign for each."""
    on_change: Literal["version", "in_place"] = "in_place" if verb == "update" else "version"

    def repo(words: str, addresses: Sequence[str]) -> Files:
        templates = [a_template(each, f"{words} {each}", on_change=on_change, on_remove="delete") for each in addresses]
        lifecycle = Lifecycle(on_change="replace")
        senders = [a_sender_of(each, f"of-{each}", starts_at=LATER, lifecycle=lifecycle) for each in addresses]
        return templates, senders

    every = ("a", "b")
    if verb == "create":
        return ((), ()), repo(NEW, every)
    if verb == "delete":
        return (repo(OLD, every)[0], ()), ((), ())
    return repo(OLD, every), repo(NEW, every)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("door", ["journal", "http"])
@pytest.mark.parametrize("verb", ["create", "version", "update", "delete"])
def test_dying_anywhere_changes_no_words(tmp_path: Path, verb: str, door: Door, when: When) -> None:
    """Wherever a run died, what people get is what the files say, once, and then nothing is left to do."""
    before, after = files(verb)
    at, lived = 0, False
    while not lived:
        at += 1
        with Sandbox(STILL) as sandbox:
            world = World(sandbox, tmp_path / f"{at}")
            world.templates = before[0]
            world.apply(before[1])
            world.templates = after[0]
            backend = CrashingBackend(world.backend, at=at if door == "journal" else 0, when=when)
            transport = CrashingTransport(at=at if door == "http" else 0, when=when, counts=is_change)
            lived = survives(lambda: world.apply(after[1], backend=backend, transport=transport))  # noqa: B023
            for _ in range(ROUNDS):
                world.apply(after[1])
            check(world, after)
    assert at > 2


def check(world: World, wanted: Files) -> None:
    """Check what is on MsgFlash, and that only a campaign in doubt waits for a person."""
    account, doubtful = world.sandbox.world, world.snapshot().in_doubt
    sending = [one for one in account.campaigns.values() if one.status != "paused"]
    assert max(Counter(one.payload["name"] for one in sending).values(), default=1) == 1
    bodies = {template.address: template.content.body for template in wanted[0]}
    for one in sending:
        words = account.templates[str(one.payload["templateId"])].body
        assert words == bodies[str(one.payload["name"]).removeprefix("of-")]  # type: ignore[index]
    names = Counter(one.name for one in account.templates.values() if "@" in one.name)
    assert names == Counter(template.name for template in wanted[0]) or (doubtful and max(names.values()) == 1)
    plan = world.plan(wanted[1])
    assert {change.address for change in plan.changes if change.action != "no-op"} == set(doubtful)
    assert not plan.effective_templates
    assert doubtful or len(sending) == len(wanted[1])
