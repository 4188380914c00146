"""What the schema of msgflash.yaml can not say: paths stay in the repo, zones exist, no secret, no state for two."""

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path, PurePosixPath

from msgflash_apply.config.codes import Code
from msgflash_apply.config.files import is_within
from msgflash_apply.config.findings import Finding, spell
from msgflash_apply.config.near import listed
from msgflash_apply.config.schedule import BadSchedule, check_timezone
from msgflash_apply.config.trees import ValuePath

PASSWORD = re.compile(r"^[^/]+://[^/@]*:[^/@]+@|[?&](ssl)?password=", re.IGNORECASE)

STATE_KEY = re.compile(r"[A-Za-z0-9+/]{43}=")
"""32 bytes in base64, where the name of a file is wanted."""


def check_section(path: ValuePath, section: Mapping[str, object], root: Path) -> Iterator[Finding]:
    """
    Check the top level or one environment of msgflash.yaml; values of a wrong type are left to the schema.

    Args:
        path: where the section stands in the document.
        section: its fields.
        root: the repo.
    """
    yield from _check_campaigns((*path, "campaigns"), section.get("campaigns"), root)
    yield from _check_state((*path, "state"), section.get("state"), root)
    yield from _check_key_file((*path, "state_key_file"), section.get("state_key_file"))
    for keys in (("defaults", "timezone"), ("policy", "quiet_hours", "timezone")):
        yield from _check_zone((*path, *keys), _within(section, keys))


def check_shared_states(states: Mapping[str, str], own: AbstractSet[str]) -> Iterator[Finding]:
    """
    Two environments with one state would each retire what the other sent.

    Args:
        states: by environment, its name filled in.
        own: environments that give a `state` themselves.
    """
    by_state: dict[str, list[str]] = {}
    for environment, state in states.items():
        by_state.setdefault(state, []).append(environment)
    for state, environments in by_state.items():
        if len(environments) > 1:
            message = f"the environments {listed(environments)} would share the state `{state}`"
            hint = "put `{environment}` into `state`, or give each environment a `state` of its own"
            last = environments[-1]
            path = ("environments", last, "state") if last in own else ("state",)
            yield Finding(Code.SHARED_STATE, path, message, hint)


def _within(section: Mapping[str, object], keys: tuple[str, ...]) -> object:
    value: object = section
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def state_fits_file(value: str, root: Path) -> bool:
    """Whether msgflash.yaml may say that the state is there: at a URL, or in a file of the repo."""
    return "://" in value or _stays(value, root)


def _check_campaigns(path: ValuePath, value: object, root: Path) -> Iterator[Finding]:
    if not isinstance(value, str):
        return
    folder = PurePosixPath(value)
    if folder == PurePosixPath() or not _stays(value, root):
        message = f"`{spell(path)}` must be a folder within the repo"
        yield Finding(Code.OUTSIDE_REPO, path, message, "for example `campaigns`")


def _check_state(path: ValuePath, value: object, root: Path) -> Iterator[Finding]:
    if not isinstance(value, str):
        return
    if PASSWORD.search(value):
        hint = "keep the address here and give the credentials in the environment, or give it all as MSGFLASH_STATE"
        yield Finding(Code.SECRET_IN_FILE, path, f"`{spell(path)}` holds a password", hint)
    elif not state_fits_file(value, root):
        message = f"`{spell(path)}` leads out of the repo"
        hint = "keep the state below `.msgflash`, or give a path elsewhere as MSGFLASH_STATE"
        yield Finding(Code.OUTSIDE_REPO, path, message, hint)


def _check_key_file(path: ValuePath, value: object) -> Iterator[Finding]:
    # It may lie anywhere: a key has no business in the repo. What is read there is shown to nobody.
    if isinstance(value, str) and any(STATE_KEY.fullmatch(word) for word in value.split()):
        hint = "name a file that holds it, or give it as MSGFLASH_STATE_KEY; and make a new key, for this one was shown"
        yield Finding(Code.SECRET_IN_FILE, path, f"`{spell(path)}` holds a key", hint)


def _stays(value: str, root: Path) -> bool:
    """No absolute path, no `..`, no link that leads out."""
    path = PurePosixPath(value)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in value and is_within(root, value)


def _check_zone(path: ValuePath, value: object) -> Iterator[Finding]:
    if not isinstance(value, str):
        return
    try:
        check_timezone(value)
    except BadSchedule as err:
        yield Finding(Code.BAD_TIMEZONE, path, err.message, err.hint)
