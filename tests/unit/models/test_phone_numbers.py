"""Phone numbers of buttons: what is one, and how one that is none is probably meant."""

import pytest

from msgflash_apply.models.forms import PHONE_NUMBER, phone_number_hint


@pytest.mark.parametrize(
    "text",
    [
        "+33612345678",
        "+33 6 12 34 56 78",
        "+33\u00a06\u202f12 34 56 78",
        "+1 (212) 555-0100",
        "+1.212.555.0100",
        "+49 (30) 1234567",
        "+49 (030) 1234567",
        "+1234567",
        "+123456789012345",
    ],
)
def test_numbers_with_a_country_code(text: str) -> None:
    """`+` and 7 to 15 digits, with the separators that people write."""
    assert PHONE_NUMBER.fits(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("+33 (0)6 12 34 56 78", 'write "+33612345678"'),
        ("+33(0)612345678", 'write "+33612345678"'),
        ("0033612345678", 'write "+33612345678"'),
        ("00 33 6 12 34 56 78", 'write "+33612345678"'),
        ("(+33) 612345678", 'write "+33612345678"'),
        ("+33\u20116\u201112345678", 'write "+33612345678"'),
        ("33612345678", 'write "+33612345678" if it begins with the country code'),
        ("0612345678", 'the country code is missing; with that of France, for example, it is "+33612345678"'),
        ("+0612345678", 'the country code is missing; with that of France, for example, it is "+33612345678"'),
        ("+336123456789012345", "7 to 15 digits are needed, country code included, and these are 18"),
        ("+3361", "7 to 15 digits are needed, country code included, and these are 4"),
        ("+33612345678x12", "write `+`, the country code and the rest in digits, for example `+33140000000`"),
        ("call us", "write `+`, the country code and the rest in digits, for example `+33140000000`"),
    ],
)
def test_hint_spells_the_number(text: str, hint: str) -> None:
    """What is not a number with its country code is refused, with the right spelling where it can be worked out."""
    assert not PHONE_NUMBER.fits(text)
    assert phone_number_hint(text) == hint
