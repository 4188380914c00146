r"""
Forms of text that several files share, each with the name and the example that editors and messages show.

Patterns are written for both ECMAScript, which editors use, and Rust, which checks: no look-around, and no class of
which they have different ideas (`\s` is completed by the two characters that only one of them counts).

A phone number to call is `+`, the country code and the rest, 7 to 15 digits in all (the longest that E.164 allows),
with the separators that people write. It goes on the wire as it is written; `phone_number_hint` spells another one as
it is probably meant. Contract section 2.
"""

import re
from typing import Annotated

from annotated_types import MaxLen

from msgflash_apply.models.parts import Form

# Each round takes one digit: after no or other separators, with a bracket on one side or both, but a zero is never in
# brackets of its own. A no-break space is a space.
PHONE_NUMBER = Form(
    "phoneNumber",
    "A phone number with its country code",
    r"^\+[1-9](?:[ .\u00a0\u202f-]*(?:[0-9]\)?|\([1-9]\)?|\(0)){6,14}$",
    ("+33140000000",),
)

TRUNK_ZERO = re.compile(r"\(\s*0\s*\)")
"""What is dialled within a country only, as people show it: `+33 (0)6 12 34 56 78`."""

INTERNATIONAL_PREFIX = re.compile(r"00(?=[1-9])")


STRANGE = re.compile(r"[^0-9+() ./\u00a0\u2007\u2009-\u200b\u2010-\u2015\u202f\u2060-]")
"""What is neither a digit nor one of the separators that people and their programs put between them."""


def phone_number_hint(text: str) -> str:
    """Spell the number as it is probably meant; where that cannot be known, say what it lacks."""
    bare = TRUNK_ZERO.sub("", text)
    digits = "".join(re.findall("[0-9]", bare))
    has_code = bare.lstrip("( ").startswith("+")
    if not has_code and INTERNATIONAL_PREFIX.match(digits):
        has_code, digits = True, digits[2:]
    national = digits.lstrip("0")
    if STRANGE.search(bare) or not digits:
        return "write `+`, the country code and the rest in digits, for example `+33140000000`"
    if national != digits and PHONE_NUMBER.fits(f"+33{national}"):
        return f'the country code is missing; with that of France, for example, it is "+33{national}"'
    if not PHONE_NUMBER.fits(f"+{digits}"):
        return f"7 to 15 digits are needed, country code included, and these are {len(digits)}"
    return f'write "+{digits}"' if has_code else f'write "+{digits}" if it begins with the country code'


NOT_BLANK = r"[^\s\u0085\ufeff]"

_UUID = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"

Text = Annotated[str, Form("text", "A text that is not blank", NOT_BLANK, is_free=True)]

Body = Annotated[Text, MaxLen(4096)]

Uuid = Annotated[str, Form("uuid", "A UUID", _UUID, ("99999999-9999-4999-8999-999999999991",))]

CONTACT_ID = Form("contactId", "A contact id (UUID)", _UUID, ("cccccccc-cccc-4ccc-8ccc-000000000001",))

ContactId = Annotated[str, CONTACT_ID]

INSTANT = Form("instant", "A date and time in ISO 8601", "^[0-9]{4}-[0-9]{2}-[0-9]{2}", ("2099-11-27T09:00:00+01:00",))

Instant = Annotated[str, INSTANT]

TIMEZONE = Form("timezone", "An IANA time zone", "^[A-Za-z][A-Za-z0-9_+/-]*$", ("Europe/Paris",))

Timezone = Annotated[str, TIMEZONE]

Url = Annotated[
    str,
    Form(
        "url",
        "An absolute http or https URL",
        r"^[hH][tT][tT][pP][sS]?://[^\s\u0085\ufeff/?#]+[^\s\u0085\ufeff]*$",
        ("https://media.acme.example/catalogue.jpg",),
    ),
]

PhoneNumber = Annotated[str, PHONE_NUMBER]

VariableName = Annotated[
    str,
    Form("variableName", "A variable name of letters, digits and `_`", "^[A-Za-z_][A-Za-z0-9_]*$", ("brand",)),
]

TemplateVariable = Annotated[
    str,
    Form(
        "templateVariable",
        "A name of letters, digits and `_`, without `custom.`",
        "^[A-Za-z0-9_]+$",
        ("code",),
    ),
]

VariableValue = Annotated[
    str | int | float,
    Form(
        "variableValue",
        "A text without control characters",
        r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$",
        types=("string", "number"),
        is_free=True,
        most=4096,
    ),
]

LabelName = Annotated[
    str,
    Form(
        "labelName",
        "A label name of letters, digits, `.`, `_`, `-` and `/`",
        "^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$",
        ("team",),
    ),
]

LabelValue = Annotated[str, Form("labelValue", "A text on one line", r"^[^\x00-\x1f\x7f]*$", is_free=True, most=256)]

EntryName = Annotated[
    str,
    Form(
        "entryName", "A name of 1 to 100 characters without control characters", r"^[^\x00-\x1f\x7f]{1,100}$", ("fr",)
    ),
]

Segment = Annotated[
    str,
    Form(
        "segment",
        "A name of letters, digits, `.`, `_` and `-`",
        r"^[\p{L}\p{N}_][\p{L}\p{N}._-]*$",
        ("black-friday",),
    ),
]
