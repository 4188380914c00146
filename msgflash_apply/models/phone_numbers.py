"""
The form of a phone number to call, and what to write for one that is not of it.

`+`, the country code and the rest, 7 to 15 digits in all (the longest that E.164 allows), with the separators that
people write. A number goes on the wire as it is written. Contract section 2.
"""

import re

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
