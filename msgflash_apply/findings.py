"""
What can be wrong: a `Finding` about a value of one document, and the `Diagnostic` with file and line that is shown.

`Code` lists all kinds. Codes are promises: one is never reused for another meaning, and a retired one stays listed.
MF1xx files, YAML and msgflash.yaml, MF2xx templates, MF3xx shape, MF4xx meaning; MF5xx what a plan finds out, with the
account and the state at hand. For hints: `did_you_mean` gives the nearest of the known words, `shown` a value in one
short line, `in_quotes` a text as YAML takes it.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from itertools import islice
from typing import NamedTuple, Self, TypeAlias

from msgflash_apply.errors import MsgflashApplyError

KEY = "msgf_(?:live|team)_[A-Za-z0-9_-]{16,}"
"""What a key of MsgFlash looks like, whole; reference 2.2 and 2.3."""

_KEY_OR_START = re.compile(f"{KEY}|msgf_(?:live|team)_[A-Za-z0-9_-]*(?=…)")


def without_keys(text: str) -> str:
    """Replace keys of MsgFlash, and what a cut left of one, by `msgf_…`: for what says that one is misplaced."""
    return _KEY_OR_START.sub("msgf_…", text) if "msgf_" in text else text


class Severity(StrEnum):
    """How bad a diagnostic is: an error stops the run, a warning is shown."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """
    One finding about one place. It repeats no key of MsgFlash: where one is, there is an error of its own (MF105).

    Attributes:
        severity: error or warning.
        code: stable, `MF` and three digits; listed in `Code`.
        message: what is wrong, as one sentence without a full stop.
        hint: what to write instead, or None.
        file: path relative to the repo, with forward slashes; None when the finding is about no file.
        line: from 1; None when unknown.
        column: from 1, in characters; None when unknown.
        address: the campaign concerned; None when it has none yet.
        path: of the value, in the document that begins at `line`, until it is placed; None for no value of its own.
    """

    severity: Severity
    code: str
    message: str
    hint: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None
    address: str | None = None
    path: "ValuePath | None" = None

    def __post_init__(self) -> None:
        """Take keys out of what quotes a file."""
        for name in ("message", "hint", "address"):
            text = getattr(self, name)
            if text is not None and "msgf_" in text:
                object.__setattr__(self, name, without_keys(text))

    @property
    def is_error(self) -> bool:
        """Whether this finding stops the run."""
        return self.severity is Severity.ERROR

    def sort_key(self) -> tuple[str, int, int, str, str]:
        """Order by place, so that output never depends on the order of reading."""
        return (self.file or "", self.line or 0, self.column or 0, self.code, self.message)


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sort by place and drop exact repeats."""
    return tuple(sorted(dict.fromkeys(diagnostics), key=Diagnostic.sort_key))


class InvalidFiles(MsgflashApplyError):
    """The files hold mistakes; carries every diagnostic, warnings included."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = in_order(diagnostics)
        count = sum(d.is_error for d in self.diagnostics)
        super().__init__(f"{count} {'mistake' if count == 1 else 'mistakes'} in the files.")


ValuePath: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from a document's root to a value."""


def texts_in(value: object, path: ValuePath = ()) -> Iterator[tuple[ValuePath, str]]:
    """Every text in a tree with its place, in the tree's order; keys are not texts."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts_in(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from texts_in(inner, (*path, index))


class Code(StrEnum):
    """A stable diagnostic code; `meaning` says what it is about, for reports that list their rules."""

    meaning: str

    def __new__(cls, code: str, meaning: str) -> Self:
        """Keep the meaning beside the code; the member still equals its code as text."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    UNREADABLE = "MF101", "a file or folder cannot be read"
    BAD_YAML = "MF102", "a file is not YAML, or uses more of YAML than is allowed"
    OUTSIDE_REPO = "MF103", "a path or link leads out of the repo, or a link is not followed"
    NOT_FOUND = "MF104", "a campaigns folder or a path given does not exist or holds no file to read"
    SECRET_IN_FILE = "MF105", "a file holds what only the environment may hold"
    SHARED_STATE = "MF106", "two environments would share one state"
    NOT_FORMATTED = "MF107", "a file could not be written in canonical form without a risk to its meaning"
    MISNAMED = "MF108", "the project file has another name than msgflash.yaml"
    EXCEEDED = "MF109", "reading a file takes more time or memory than it may"
    TOO_MUCH = "MF110", "there is more in the repo than is read, or more to say than is shown"
    SENT_BY_BOTH = "MF111", "two environments would send the same message to the same people"

    TEMPLATE_SYNTAX = "MF201", "a template cannot be parsed"
    UNKNOWN_NAMESPACE = "MF202", "a template uses a namespace that does not exist"
    UNDEFINED_VARIABLE = "MF203", "a template uses a variable that is not defined"
    PASS_THROUGH_MISUSED = "MF204", "a placeholder of MsgFlash is used for more than plain interpolation"
    TEMPLATE_FORBIDDEN = "MF205", "a template uses what the sandbox does not allow"
    TEMPLATE_LIMIT = "MF206", "a template takes too long or grows too large"
    UNPRINTABLE = "MF207", "a value cannot be printed inside a text, or is itself a template"
    CONSTANT = "MF208", "a constant is between braces, as in the placeholders of other tools"

    UNKNOWN_FIELD = "MF301", "a field is not known here"
    MISSING_FIELD = "MF302", "a required field is missing"
    WRONG_TYPE = "MF303", "a value has the wrong type"
    NOT_ALLOWED = "MF304", "a value is not one of those allowed"
    WRONG_FORM = "MF305", "a text does not have the form that is wanted"
    WRONG_SIZE = "MF306", "a text, list or number is too short or too long, too small or too large"
    CONTENT_MODE = "MF307", "not exactly one content mode is given"
    FIELDS_CLASH = "MF308", "a field does not go with another"

    BAD_SCHEDULE = "MF401", "a start time does not name one instant"
    BAD_TIMEZONE = "MF402", "a time zone is not known"
    REPEAT_OPEN_ENDED = "MF403", "a repeating campaign has no documented end"
    BAD_ADDRESS = "MF404", "a file name cannot be part of an address"
    MISSING_KEY = "MF405", "a file holds several documents and one has no key"
    SAME_ADDRESS = "MF406", "two campaigns have one address"
    SAME_MAILING = "MF407", "two campaigns would be the same mailing"
    BAD_FORMER_ADDRESS = "MF408", "an entry of moved_from cannot be a former address of this campaign"
    FORMER_ADDRESS_TAKEN = "MF409", "a former address is claimed twice or still in use"
    REPEATED_RECIPIENT = "MF410", "a recipient is listed more than once"
    MEDIA_NOT_HTTPS = "MF411", "a media URL is not https"
    LONG_BUTTON = "MF412", "the text of a button may be cut"
    PLACEHOLDER_IN_DIRECT = "MF413", "a placeholder in direct content is probably sent as written"
    PLACEHOLDER_IN_VARIABLES = "MF414", "a placeholder in a template variable is probably sent as written"
    INVERTED_TIMEZONE = "MF415", "a time zone has the opposite sign of the offset that its name seems to say"
    ONLY_CASE_DIFFERS = "MF416", "two addresses differ in nothing but the case of letters"
    FAR_AHEAD = "MF417", "a campaign starts more than a year ahead"
    UNSEEN_TEXT = "MF421", "a text holds a control character, or nothing that can be seen"
    NOT_A_PLACEHOLDER = "MF422", "a text holds what looks like a placeholder and is sent as it is"
    CURLY_QUOTES = "MF423", "a text is in curly quotes, which YAML takes as part of it"
    LOST_SPELLING = "MF424", "a number would be sent in another spelling than the file has"
    CUT_BY_COMMENT = "MF425", "a ` #` ends an unquoted text, and the rest is a comment"
    LONG_WITH_EMOJI = "MF426", "a text is longer than MsgFlash allows when emoji count twice"
    NOT_FILLED_IN = "MF427", "a placeholder of a template is none that MsgFlash is known to fill in"
    NEARLY_A_TEMPLATE = "MF428", "a campaign names a template that is nearly one of this repo"

    NO_DEFAULT_INSTANCE = "MF501", "no instance is given, and the account has not exactly one that is connected"
    AMBIGUOUS_NAME = "MF502", "a name matches several instances, templates or groups"
    UNKNOWN_NAME = "MF503", "the account has no instance, template or group of this name"
    UNKNOWN_INSTANCE = "MF504", "the account has no instance with this id"
    NOT_CONNECTED = "MF505", "an instance is not connected"
    UNKNOWN_TEMPLATE = "MF506", "the account has no template with this id"
    VARIABLE_MISSING = "MF507", "a template needs a variable that is not given"
    VARIABLE_UNUSED = "MF508", "a variable is given that the template does not use"
    UNKNOWN_GROUP = "MF509", "the account has no group with this id"
    ALREADY_SENT = "MF510", "the state has this mailing under another address"
    NO_RECIPIENTS = "MF511", "no one would receive it"
    NOT_LOOKED_UP = "MF512", "an offline plan could not look up a name"
    OVERLAP = "MF513", "two campaigns go to the same people within a day"
    ABOVE_WARM_UP = "MF514", "more recipients than the instance's warm-up allows in one campaign"
    OUTBOUND_QUOTA = "MF515", "the month's messages do not suffice for what would be sent"
    UNKNOWN_FORMER_ADDRESS = "MF516", "an entry of moved_from names nothing known, while a campaign is gone"
    TEMPLATE_GONE = "MF517", "the template of a campaign that was created is gone"
    TEMPLATE_WANTS_MORE = "MF518", "the template of a campaign that was created needs a variable that it lacks"
    UNKNOWN_CONTACT = "MF519", "the account has no contact with this id"
    NOT_COUNTED = "MF520", "how many people a campaign reaches was not counted"
    FEATURE_MISSING = "MF521", "the account's plan does not include what a campaign needs"
    ANSWER_DIFFERED = "MF522", "MsgFlash's answer to the create of a campaign was not what was sent"
    REFUSED = "MF523", "MsgFlash refused a campaign for a field"
    CLOCK = "MF524", "this machine's clock differs from that of MsgFlash"
    MARKER_GONE = "MF525", "the account's marker of the state is gone"
    MARKER_REFUSED = "MF526", "MsgFlash did not take the marker of the state"


SHOWN_CHARACTERS = 40

LISTED_WORDS = 12

COMPARED_WORDS = 500

COMPARED_CHARACTERS = 100
"""Comparing takes the product of the lengths, and a stranger decides what is compared."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` is most likely a slip for, whatever the case; None when none comes near."""
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
    """A value as it would be written in a file, on one line, cut when long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


def in_quotes(text: str) -> str:
    """A text in the quotes of YAML that leave it as it is: single ones where double ones would need escapes."""
    return "'" + text.replace("'", "''") + "'" if '"' in text or "\\" in text else f'"{text}"'


class Place(NamedTuple):
    """A line and a column of a file, both from 1; the column in characters."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One mistake or doubt in one document.

    Attributes:
        code: what kind.
        path: keys and indexes from the document's root; need not exist in the file (a rendered list has no lines).
        message: as in `Diagnostic`.
        hint: as in `Diagnostic`.
        on_key: the name of the field is meant, not its value.
        severity: as in `Diagnostic`.
        offset: characters into the scalar at `path`; None for all of it.
        at: the place in the file where it is known at once (bad YAML has no path); outranks `path`.
        address: of the campaign concerned; None while it has none. Not compared: the entries of a `for_each` that
            share a mistake have it once.
    """

    code: Code
    path: ValuePath
    message: str
    hint: str | None = None
    on_key: bool = False
    severity: Severity = Severity.ERROR
    offset: int | None = None
    at: Place | None = None
    address: str | None = field(default=None, compare=False)

    @property
    def is_error(self) -> bool:
        """Whether the campaign cannot be used."""
        return self.severity is Severity.ERROR


class Refused(Exception):
    """
    Carries one finding out of a depth at which nothing can go on; the caller makes it a diagnostic.

    Attributes:
        finding: what is wrong.
    """

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


def spell(path: ValuePath) -> str:
    """A path as people write it: `recipients.value[3]`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")
