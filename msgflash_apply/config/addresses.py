"""
Addresses: where a campaign stands among the files. Contract section 5.

An address is the key of everything that is remembered, so it is spelt one way only: NFC, forward slashes, the key of a
`for_each` entry quoted as in JSON.
"""

import json
import re
from unicodedata import normalize

from msgflash_apply.campaign import Address

SEGMENT = re.compile(r"\w[\w.-]*")
_ADDRESS = re.compile(r'(?P<base>[^\["]+)(?:\[(?P<entry>"(?:[^"\\]|\\.)*")\])?')


def base_address(file: str, folder: str, key: str | None) -> Address:
    """
    Name the campaign of a file.

    Args:
        file: relative to the repo, within `folder`.
        folder: the campaigns folder, relative to the repo.
        key: replaces the last segment; None keeps the file's name.
    """
    path = file[len(folder) + 1 : file.rindex(".")]
    if key is not None:
        parent, slash, _ = path.rpartition("/")
        path = f"{parent}{slash}{key}"
    return Address(path if path.isascii() else normalize("NFC", path))


def entry_address(base: Address, entry: str) -> Address:
    """Name the campaign of one entry of a `for_each`: `promo/black-friday["fr"]`."""
    return Address(f"{base}[{json.dumps(normalize('NFC', entry), ensure_ascii=False)}]")


def bad_segment(base: str) -> str | None:
    """The first segment that can not stand in an address; None when all can."""
    return next((segment for segment in base.split("/") if not SEGMENT.fullmatch(segment)), None)


def read_address(text: str) -> Address | None:
    """Read an address as a person writes it; None when it is none."""
    found = _ADDRESS.fullmatch(normalize("NFC", text))
    if found is None or bad_segment(found["base"]) is not None:
        return None
    if found["entry"] is None:
        return Address(found["base"])
    try:
        return entry_address(Address(found["base"]), json.loads(found["entry"]))
    except json.JSONDecodeError:
        return None
