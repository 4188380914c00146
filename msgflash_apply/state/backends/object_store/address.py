"""The URL of a state in a bucket: a scheme, a bucket, a folder, and nothing that could carry a secret."""

import re
from dataclasses import dataclass
from typing import Final

from msgflash_apply.errors import BackendError

_SHAPE: Final = re.compile(r"(\w+)://([^/]*)/*(.*?)/*")
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,220}[A-Za-z0-9]")
_SEGMENT: Final = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._=+@-]+")


@dataclass(frozen=True, slots=True)
class ObjectAddress:
    """
    Where a state is.

    Attributes:
        scheme: s3, gs or az.
        bucket: or container.
        folder: the common beginning of its keys, without slashes at either end; never empty.
    """

    scheme: str
    bucket: str
    folder: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.folder}"


def parse_address(url: str) -> ObjectAddress:
    """
    Take a URL apart.

    Raises:
        BackendError: it holds more than a bucket and a folder, or less; does not repeat what may be a secret.
    """
    shape = _SHAPE.fullmatch(url)
    if shape is None:
        raise _refused(url.partition("://")[0])
    scheme, bucket, folder = shape[1].lower(), shape[2], shape[3]
    if not _BUCKET.fullmatch(bucket) or not all(map(_SEGMENT.fullmatch, folder.split("/"))):
        raise _refused(scheme)
    return ObjectAddress(scheme, bucket, folder)


def _refused(scheme: str) -> BackendError:
    return BackendError(
        "The state's location cannot be used.",
        f"A {scheme}:// URL holds a bucket and a folder, and nothing else: no user, password, port, query or fragment, "
        "and in the folder's name only letters, digits and . _ - = + @.",
        f"Write {scheme}://BUCKET/FOLDER. Endpoint, region and credentials come from the environment.",
    )
