"""
Characters that are drawn as nothing, or turn the text around them: one table for what is shown and what is refused.

Texts may hold them, and show them escaped (`report/safe_text.py`); names may not (`files`), since an address must be
visible. Spaces of any width are not among them: they take their place.

Source: Unicode 16.0, DerivedCoreProperties.txt (Default_Ignorable_Code_Point, 4174 code points) and PropList.txt
(Bidi_Control, which lies within it); then what is drawn as nothing all the same.
"""

import re
import unicodedata

DEFAULT_IGNORABLE = (
    (0x00AD, 0x00AD),  # soft hyphen
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x061C, 0x061C),  # Arabic letter mark
    (0x115F, 0x1160),  # fillers of Hangul
    (0x17B4, 0x17B5),  # inherent vowels of Khmer
    (0x180B, 0x180F),  # variation selectors and vowel separator of Mongolian
    (0x200B, 0x200F),  # zero width space, joiners, directional marks
    (0x202A, 0x202E),  # directional embeddings and overrides
    (0x2060, 0x206F),  # word joiner, invisible operators, directional isolates, deprecated format characters
    (0x3164, 0x3164),  # filler of Hangul
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),  # byte order mark
    (0xFFA0, 0xFFA0),  # halfwidth filler of Hangul
    (0xFFF0, 0xFFF8),  # not assigned
    (0x1BCA0, 0x1BCA3),  # format characters of shorthand
    (0x1D173, 0x1D17A),  # format characters of musical notation
    (0xE0000, 0xE0FFF),  # tags, variation selectors, and those not assigned
)

DRAWN_AS_NOTHING = (
    (0x2028, 0x2029),  # line and paragraph separator
    (0x2800, 0x2800),  # the empty pattern of Braille
    (0xFDD0, 0xFDEF),  # no characters
    (0xFFF9, 0xFFFB),  # interlinear annotations
    (0x13430, 0x1343F),  # format controls of hieroglyphs
    (0x16FE4, 0x16FE4),  # filler of Khitan
    *((plane | 0xFFFE, plane | 0xFFFF) for plane in range(0, 0x110000, 0x10000)),  # no characters
)

INVISIBLE = "".join(f"{chr(first)}-{chr(last)}" for first, last in (*DEFAULT_IGNORABLE, *DRAWN_AS_NOTHING))
"""All of them, as the inside of a class of a regular expression."""

_NOT_IN_NAMES = re.compile(f"[\x00-\x1f\x7f-\x9f\ud800-\udfff{INVISIBLE}]")


def invisible_in_name(name: str) -> int | None:
    """Where a name (of a file, of an entry in a map) holds a character that cannot be seen; controls count."""
    if name.isascii() and name.isprintable():
        return None
    found = _NOT_IN_NAMES.search(name)
    return found.start() if found else None


def named(character: str) -> str:
    """Name a character for people: `U+200B (zero width space)`."""
    kind = "a control character" if unicodedata.category(character) == "Cc" else "without a name"
    return f"U+{ord(character):04X} ({unicodedata.name(character, kind).lower()})"
