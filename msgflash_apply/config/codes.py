"""
Every code that a diagnostic about files can carry, with what it means in one line.

Codes are promises: one is never reused for another meaning, and a retired one stays in this table.
MF1xx files, YAML and msgflash.yaml, MF2xx templates, MF3xx shape, MF4xx meaning; MF5xx what a plan finds out, with the
account and the state at hand.
"""

from enum import StrEnum
from typing import Self


class Code(StrEnum):
    """A stable diagnostic code; `meaning` says what it stands for, for reports that list their rules."""

    meaning: str

    def __new__(cls, code: str, meaning: str) -> Self:
        """Keep the meaning beside the code; the member still equals its code as text."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    UNREADABLE = "MF101", "a file or folder can not be read"
    BAD_YAML = "MF102", "a file is not YAML, or uses more of YAML than is allowed"
    OUTSIDE_REPO = "MF103", "a path or link leads out of the repo, or a link is not followed"
    NOT_FOUND = "MF104", "a campaigns folder or a path given does not exist or holds no campaign file"
    SECRET_IN_FILE = "MF105", "a file holds what only the environment may hold"
    SHARED_STATE = "MF106", "two environments would share one state"
    NOT_FORMATTED = "MF107", "a file could not be written in canonical form without a risk to its meaning"

    TEMPLATE_SYNTAX = "MF201", "a template can not be parsed"
    UNKNOWN_NAMESPACE = "MF202", "a template uses a namespace that does not exist"
    UNDEFINED_VARIABLE = "MF203", "a template uses a variable that is not defined"
    PASS_THROUGH_MISUSED = "MF204", "a placeholder of MsgFlash is used for more than plain interpolation"
    TEMPLATE_FORBIDDEN = "MF205", "a template uses what the sandbox does not allow"
    TEMPLATE_LIMIT = "MF206", "a template takes too long or grows too large"
    UNPRINTABLE = "MF207", "a value can not be printed inside a text, or is itself a template"

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
    BAD_ADDRESS = "MF404", "a file name can not be part of an address"
    MISSING_KEY = "MF405", "a file holds several documents and one has no key"
    SAME_ADDRESS = "MF406", "two campaigns have one address"
    SAME_MAILING = "MF407", "two campaigns would be the same mailing"
    BAD_FORMER_ADDRESS = "MF408", "an entry of moved_from can not be a former address of this campaign"
    FORMER_ADDRESS_TAKEN = "MF409", "a former address is claimed twice or still in use"
    REPEATED_RECIPIENT = "MF410", "a recipient is listed more than once"
    MEDIA_NOT_HTTPS = "MF411", "a media URL is not https"
    LONG_BUTTON = "MF412", "the text of a button may be cut"
    PLACEHOLDER_IN_DIRECT = "MF413", "a placeholder in direct content is probably sent as written"
    PLACEHOLDER_IN_VARIABLES = "MF414", "a placeholder in a template variable is probably sent as written"

    NO_DEFAULT_INSTANCE = "MF501", "no instance is given, and the account has not exactly one that is connected"
    AMBIGUOUS_NAME = "MF502", "a name stands for several instances or templates"
    UNKNOWN_NAME = "MF503", "the account has no instance or template of this name"
    UNKNOWN_INSTANCE = "MF504", "the account has no instance with this id"
    NOT_CONNECTED = "MF505", "an instance is not connected"
    UNKNOWN_TEMPLATE = "MF506", "the account has no template with this id"
    VARIABLE_MISSING = "MF507", "a template needs a variable that is not given"
    VARIABLE_UNUSED = "MF508", "a variable is given that the template does not use"
    UNKNOWN_GROUP = "MF509", "the account has no group with this id"
    ALREADY_SENT = "MF510", "the state has this mailing under another address"
    NOBODY = "MF511", "nobody would get it"
    NOT_LOOKED_UP = "MF512", "an offline plan could not look up a name"
    OVERLAP = "MF513", "two campaigns go to the same people within a day"
    ABOVE_WARM_UP = "MF514", "more recipients than the instance's warm-up allows in one campaign"
    OUTBOUND_QUOTA = "MF515", "the month's messages do not suffice for what would be sent"


BY_TEXT = {str(code): code for code in Code}
"""Codes by their text."""
