"""
Whether MsgFlash has what it was sent: a request and a campaign of an answer, compared by meaning; contract section 6.

A server may spell things otherwise than they were sent, and no one is messaged differently for it: see `meaning`, the
only list of what counts for nothing. `differences_from` judges a campaign that was read, `differences_in_answer` the
answer to a create, which may leave fields out.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from unicodedata import normalize

from msgflash_apply.api.models import ECHOED_AS, NOT_ECHOED, ONCE, RemoteCampaign, as_request
from msgflash_apply.campaign import JsonObject, Payload, format_instant, parse_instant, with_plain_ids
from msgflash_apply.models.campaign_file import WIRE_ORDER
from msgflash_apply.plan.diff import differences
from msgflash_apply.plan.plan import AttributeDiff

IDENTITY = ("instanceId", "name", "schedule")
"""What campaigns that were made from one file have in common, whatever else was edited."""


def differences_from(sent: Payload, found: RemoteCampaign) -> tuple[AttributeDiff, ...]:
    """
    List in what a campaign that was read is not the one that was sent; empty when it is the same by meaning.

    Fields that answers are not known to return (`NOT_ECHOED`) may be missing. So may an earlier start of a repeating
    campaign: each run moves it (reference 10.2).
    """
    ours, theirs = meaning(sent), meaning(found.as_payload())
    if "repeat" in ours and str(theirs.get("schedule", "")) > str(ours["schedule"]):
        theirs["schedule"] = ours["schedule"]
    return _compared(ours, theirs, NOT_ECHOED)


def differences_in_answer(sent: Payload, answer: JsonObject) -> tuple[AttributeDiff, ...]:
    """
    List in what the answer to a create contradicts what was sent.

    Args:
        sent: the body of the request.
        answer: the campaign in it, as JSON. A field that is absent, null or empty says nothing: answers are abridged.
    """
    unsaid = [name for name in WIRE_ORDER if _is_nothing(answer.get(ECHOED_AS.get(name, name)))]
    return _compared(meaning(sent), meaning(as_request(answer)), unsaid)


def is_similar(differing: Sequence[AttributeDiff]) -> bool:
    """Whether a campaign with these differences has the instance, the name and the start that were sent."""
    return not any(diff.path in IDENTITY for diff in differing)


def spelled(differing: Sequence[AttributeDiff], ours: str = "{} was sent") -> Iterator[str]:
    """
    Say each difference in words: `body: 'Hello' was sent, it has 'Bye'`.

    Args:
        differing: what was sent or written, and what MsgFlash has.
        ours: what to say about the first of the two; `{}` is its value.
    """
    for diff in differing:
        before, after = ("nothing" if value is None else repr(value) for value in (diff.before, diff.after))
        yield f"{diff.path}: {ours.format(before)}, it has {after}"


def meaning(payload: Payload) -> dict[str, object]:
    """
    Spell a payload one way, so that two that mean the same are equal.

    No difference are: white space at the ends of a text, line ends, composed or decomposed characters (NFC); the case
    of ids; null or empty for absent; an instant's spelling; the order of tags and contact ids; `12`, `12.0` and `"12"`
    as a variable (but `"12.0"` is the text that people read); `none`, `noe` and no `repeat`; the two names that the
    kind of a button has (reference 5.5).
    """
    plain = dict(with_plain_ids(_plain_members(payload)))
    if isinstance(variables := plain.get("variables"), dict):
        plain["variables"] = {name: _as_text(value) for name, value in variables.items()}
    recipients = plain.get("recipients")
    if isinstance(recipients, dict) and isinstance(value := recipients.get("value"), list):
        plain["recipients"] = {**recipients, "value": sorted({str(item) for item in value})}
    if isinstance(buttons := plain.get("buttons"), list):
        plain["buttons"] = [_with_kind(button) for button in buttons]
    if isinstance(schedule := plain.get("schedule"), str):
        with suppress(ValueError):  # what is no instant stays as it is and matches nothing
            plain["schedule"] = format_instant(parse_instant(schedule))
    if plain.get("repeat") in ONCE:
        del plain["repeat"]
    return plain


def _compared(ours: Payload, theirs: dict[str, object], unsaid: Sequence[str]) -> tuple[AttributeDiff, ...]:
    for name in unsaid:
        if name in ours:
            theirs.setdefault(name, ours[name])
    return () if ours == theirs else differences(ours, theirs)


def _plain_members(value: Mapping[str, object]) -> dict[str, object]:
    spelled_one_way = {name: _plain(item) for name, item in value.items()}
    return {name: item for name, item in spelled_one_way.items() if not _is_nothing(item)}


def _plain(value: object) -> object:
    if isinstance(value, str):
        return normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n").strip())
    if isinstance(value, Mapping):
        return _plain_members(value)
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _is_nothing(value: object) -> bool:
    return value is None or (isinstance(value, str | list | Mapping) and not value)


def _as_text(value: object) -> object:
    """Spell a number as it is put into a text; JSON does not tell 12 from 12.0."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _with_kind(button: object) -> object:
    """Name the kind of a button `type`, as campaigns are sent; other pages of the API call it `title`."""
    if isinstance(button, dict) and "type" not in button and "title" in button:
        return {"type" if name == "title" else name: item for name, item in button.items()}
    return button
