r"""
Forms of text that several files share, each with the name and the example that editors and messages show.

Patterns are written for both ECMAScript, which editors use, and Rust, which checks: no look-around, and no class of
which they have different ideas (`\s` is completed by the two characters that only one of them counts).
"""

from typing import Annotated

from annotated_types import MaxLen

from msgflash_apply.models.parts import Form
from msgflash_apply.models.phone_numbers import PHONE_NUMBER

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
