"""
Faults on demand: rules that wait for a matching request, each for a number of requests.

As text, for options and the control path:

    METHOD PATH KIND [times=N] [skip=N] [probability=P] [seed=N] [seconds=S] [status=N] [code=WORD] [retry_after=TEXT]
                     [field=NAME] [value=JSON]

METHOD and PATH may hold `*`; a path is the whole path, `/api/v1/campaigns`. `times` is how many requests the rule
takes: 1 by default, `*` for no end (the default with a probability). `skip` is how many matching requests pass before.
The first rule that applies takes the request.

    refuse                     the connection is reset before the body is read; nothing done
    delay                      waits `seconds`, then works as usual
    stall, stall_after         never answers; nothing done, or the work done
    drop_before, drop_after    closes the connection without an answer; nothing done, or the work done
    reset_before, reset_after  the same with a TCP reset
    NNN, NNN_after             answers with this 4xx or 5xx; nothing done, or the work done
    unauthorized, plan, quota, outbound_quota
                               401; 403 for the plan; 429 for a month's API requests or messages
    half                       the work done, the answer cut in the middle of its body
    html, html_after           a web page instead of JSON, with `status` (200 by default)
    no_id                      the work done, an answer without `id`
    empty                      the work done, an answer without a body
    alter                      other work done: in the body, `field` is `value` (JSON without spaces, or a text)
    misreport                  the work done, an answer in which `field` is `value`
    normalise                  the work done, an answer that spells the same otherwise: texts trimmed, ids in capitals,
                               the empty and the null for what is absent, numbers of variables as texts

After `refuse` a client cannot be certain that nothing was done, because a connection was made. `Sandbox.unreachable()`
refuses the connection itself.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from random import Random
from typing import Final

from msgflash_apply.sandbox.exchange import JsonObject


class Kind(StrEnum):
    """What goes wrong; `status` and `status_after` are written as the number itself."""

    REFUSE = "refuse"
    DELAY = "delay"
    STALL = "stall"
    STALL_AFTER = "stall_after"
    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"
    RESET_BEFORE = "reset_before"
    RESET_AFTER = "reset_after"
    STATUS = "status"
    STATUS_AFTER = "status_after"
    HALF = "half"
    HTML = "html"
    HTML_AFTER = "html_after"
    NO_ID = "no_id"
    EMPTY = "empty"
    ALTER = "alter"
    MISREPORT = "misreport"
    NORMALISE = "normalise"

    @property
    def does_the_work(self) -> bool:
        """Whether the request is carried out before things go wrong."""
        return self.value.endswith("_after") or self in _WORKING


_WORKING: Final = frozenset({Kind.DELAY, Kind.HALF, Kind.NO_ID, Kind.EMPTY, Kind.ALTER, Kind.MISREPORT, Kind.NORMALISE})


_NAMED: Final = {
    "unauthorized": (401, "UNAUTHORIZED"),
    "plan": (403, "CAMPAIGNS_NOT_AVAILABLE_ON_PLAN"),
    "quota": (429, "MONTHLY_API_REQUEST_QUOTA_EXCEEDED"),
    "outbound_quota": (429, "MONTHLY_OUTBOUND_QUOTA_EXCEEDED"),
}
_CODES: Final = {
    400: "VALIDATION_ERROR",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    409: "CONFLICT",
    422: "INVALID_DESTINATION",
    429: "API_RATE_LIMIT_EXCEEDED",
    502: "PROVIDER_ERROR",
}
_OPTIONS: Final = ("times", "skip", "probability", "seed", "seconds", "status", "code", "retry_after", "field", "value")


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One rule; see the module for what each kind does.

    Attributes:
        times: how many requests it takes; None for no end.
        skip: how many matching requests pass before.
        probability: of taking a matching request, by a generator seeded with `seed`.
        seconds: for `delay`.
        status: of the answer, where the kind sends one; 0 for the kind's own.
        code: `error.code`; empty for the usual one of the status.
        retry_after: value of that header; empty for none.
        field: of a JSON object, for `alter` and `misreport`.
        value: what it becomes, as JSON, or as a text where it is none.
    """

    method: str
    path: str
    kind: Kind
    times: int | None = 1
    skip: int = 0
    probability: float = 1.0
    seed: int = 0
    seconds: float = 0.0
    status: int = 0
    code: str = ""
    retry_after: str = ""
    field: str = ""
    value: str = ""

    def matches(self, method: str, path: str) -> bool:
        """Say whether a request has the method and the path of the rule."""
        return fnmatchcase(method, self.method) and fnmatchcase(path, self.path)

    def error_document(self) -> JsonObject:
        """Build the error envelope of the kinds that answer with a status."""
        usual = "INTERNAL_ERROR" if self.status >= 500 else "BAD_REQUEST"
        code = self.code or _CODES.get(self.status, usual)
        message = "Too many API requests" if code == "API_RATE_LIMIT_EXCEEDED" else f"Fault on demand: {code}"
        return {"error": {"code": code, "message": message}}

    def on_the_way(self, body: bytes) -> bytes:
        """Change a request before it is carried out."""
        if self.kind is not Kind.ALTER or not body:
            return body
        return json.dumps(self._with_the_field(json.loads(body))).encode()

    def on_the_way_back(self, data: object) -> object:
        """Change the `data` of an answer."""
        if not isinstance(data, dict) or self.kind not in {Kind.MISREPORT, Kind.NORMALISE}:
            return data
        return self._with_the_field(data) if self.kind is Kind.MISREPORT else normalised(data)

    def _with_the_field(self, document: JsonObject) -> JsonObject:
        try:
            value: object = json.loads(self.value)
        except ValueError:
            value = self.value
        return {**document, self.field: value}


def normalised(campaign: JsonObject) -> JsonObject:
    """Spell a campaign as another server might that means the same (reference 5.2, 10.4)."""
    recipients, variables = campaign.get("recipients"), campaign.get("templateVariables")
    spelled = {name: value.strip() if isinstance(value, str) else value for name, value in campaign.items()}
    spelled |= {name: str(spelled[name]).upper() for name in ("instanceId", "templateId") if spelled.get(name)}
    spelled |= {name: "" for name in ("mediaUrl", "footer") if spelled.get(name) is None}
    if isinstance(recipients, dict):
        value = recipients.get("value")
        members = value[::-1] if isinstance(value, list) else []
        spelled["recipients"] = {"groupId": None, **recipients, "value": members}
    if isinstance(variables, dict):
        spelled["templateVariables"] = {name: str(value) for name, value in variables.items()}
    return spelled


def parse_fault(text: str) -> Fault:
    """Read a fault as the module describes it; ValueError says what is wrong with the text."""
    words = text.split()
    if len(words) < len(("method", "path", "kind")):
        raise ValueError(f"a fault is METHOD PATH KIND [name=value ..], not {text!r}")
    method, path, kind, *options = words
    if not path.startswith(("/", "*")):
        raise ValueError(f"the path of a fault starts with / or *, not {path!r}")
    given = {}
    for option in options:
        name, _, value = option.partition("=")
        if not value or name not in _OPTIONS:
            raise ValueError(f"{option!r} is not an option of a fault; use {', '.join(f'{o}=' for o in _OPTIONS)}")
        given[name] = value
    parsed_kind, status, code = _parse_kind(kind)
    usual_times = "*" if "probability" in given else "1"
    fault = Fault(
        method=method.upper(),
        path=path,
        kind=parsed_kind,
        times=None if given.get("times", usual_times) == "*" else _whole(given, "times", 1, least=1),
        skip=_whole(given, "skip", 0),
        probability=_decimal(given, "probability", 1.0, most=1),
        seed=_whole(given, "seed", 0),
        seconds=_decimal(given, "seconds", 0.0, most=86_400),
        status=_whole(given, "status", status, least=200, most=599),
        code=given.get("code", code),
        retry_after=given.get("retry_after", ""),
        field=given.get("field", ""),
        value=given.get("value", ""),
    )
    if not fault.probability:
        raise ValueError("probability must be above 0")
    if fault.kind is Kind.DELAY and not fault.seconds:
        raise ValueError("delay needs seconds, such as seconds=2")
    if fault.kind in {Kind.ALTER, Kind.MISREPORT} and not (fault.field and fault.value):
        raise ValueError(f"{fault.kind} needs field and value, such as field=body value=Bye")
    return fault


def _parse_kind(word: str) -> tuple[Kind, int, str]:
    if word in _NAMED:
        status, code = _NAMED[word]
        return Kind.STATUS, status, code
    if found := re.fullmatch(r"([45]\d\d)(_after)?", word):
        return (Kind.STATUS_AFTER if found[2] else Kind.STATUS), int(found[1]), ""
    if word in {Kind.STATUS, Kind.STATUS_AFTER} or word not in set(Kind):
        kinds = sorted({*Kind, *_NAMED} - {Kind.STATUS, Kind.STATUS_AFTER})
        raise ValueError(f"{word!r} is not a kind of fault; use a 4xx or 5xx, NNN_after, {', '.join(kinds)}")
    return Kind(word), 0, ""


def _whole(given: dict[str, str], name: str, default: int, *, least: int = 0, most: int = 999_999_999) -> int:
    value = given.get(name)
    if value is None:
        return default
    if not re.fullmatch(r"\d{1,9}", value) or not least <= int(value) <= most:
        raise ValueError(f"{name} must be a whole number from {least} to {most}, not {value!r}")
    return int(value)


def _decimal(given: dict[str, str], name: str, default: float, *, most: int) -> float:
    try:
        value = float(given.get(name, default))
    except ValueError as error:
        raise ValueError(f"{name} must be a number, not {given[name]!r}") from error
    if not 0 <= value <= most:
        raise ValueError(f"{name} must be a number from 0 to {most}, not {given[name]!r}")
    return value


@dataclass(slots=True)
class ArmedFault:
    """A fault, how often it may still happen (None for no end), and how many requests pass before."""

    fault: Fault
    left: int | None
    to_skip: int
    generator: Random = field(repr=False)

    def applies(self, method: str, path: str) -> bool:
        """Say whether it takes a request, and count the request."""
        if self.left == 0 or not self.fault.matches(method, path):
            return False
        if self.to_skip:
            self.to_skip -= 1
            return False
        if self.generator.random() >= self.fault.probability:
            return False
        self.left = None if self.left is None else self.left - 1
        return True


class FaultQueue:
    """The armed faults, in the order they were added."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._armed: list[ArmedFault] = []
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        """Arm one more fault, after the others."""
        generator = Random(fault.seed)  # noqa: S311 - repeatable, nothing secret
        self._armed.append(ArmedFault(fault, fault.times, fault.skip, generator))

    def clear(self) -> None:
        """Disarm all faults."""
        self._armed.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault for a request, if any, and count the request."""
        taken = next((armed.fault for armed in self._armed if armed.applies(method, path)), None)
        self._armed = [armed for armed in self._armed if armed.left != 0]
        return taken

    def left(self) -> list[Fault]:
        """List the faults that may still happen."""
        return [armed.fault for armed in self._armed]
