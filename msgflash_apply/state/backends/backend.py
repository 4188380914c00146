"""
The one backend of every state: a `Store` of bytes, which its location chooses, and the form in which they are kept.

What all storages have in common is here, once: what is encrypted and how it is bound to its place, how far this run's
own journals are, what is left where the document is gone, and the refusals of a document that changed and of a journal
that cannot be continued. A storage's library loads when its first backend is opened, and the one for encryption with
the first key.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Final, cast

from msgflash_apply.errors import BackendError
from msgflash_apply.models.project import STATE_SCHEMES, scheme_of_state
from msgflash_apply.state.backends.base import (
    Backend,
    Backup,
    Holder,
    Location,
    Store,
    Stored,
    Written,
    changed_since_read,
    checked_id,
    not_continued,
)
from msgflash_apply.state.backends.encryption import DOCUMENT, RECOVERY, Encryption, Keyring, append_context
from msgflash_apply.state.backends.local import LocalStore
from msgflash_apply.state.backends.postgres.address import check_destination, ssl_mode
from msgflash_apply.state.backends.postgres.address import parse_address as parse_postgres_address

_CLOUDS: Final = {"s3": ("s3", ("obstore", "boto3")), "gs": ("gcs", ("obstore",)), "az": ("azure", ("obstore",))}
"""By scheme: the extra, and the libraries that it needs."""


class StoreBackend:
    """
    A state in a store; see `Backend` for what each method promises. Used by one thread at a time.

    Where it is encrypted, reading raises StateError if the key is not at hand or plain text is there, and StateDamaged
    if something was altered or is not where it was written. Versions are those of the encrypted document, which is
    another one each time it is written.

    Args:
        store: where the bytes are.
        encryption: of them; None for plain text.
    """

    def __init__(self, store: Store, encryption: Encryption | None = None) -> None:
        self.store = store
        self.url = store.url
        self.appends = store.appends
        self.lock_dies_with_its_holder = store.lock_dies_with_its_holder
        self._encryption = encryption
        self._written: dict[str, Written] = {}

    def read(self) -> Stored | None:
        """Read the document."""
        found = self.store.read()
        return None if found is None else Stored(self._decrypted(found.document, self.url), found.version)

    def write(self, document: bytes, *, expected: str | None) -> str:
        """Write the document, if the one there is the expected one."""
        version = self.store.put_if(self._encrypted(document, DOCUMENT), expected=expected)
        if version is None:
            raise changed_since_read(self.url)
        return version

    def append(self, journal: str, lines: bytes) -> None:
        """Add lines; where they are encrypted, as one line: cut short, all of them are dropped together."""
        written = self._written.get(checked_id(journal, self.url), Written())
        stored = self._encrypted(lines, append_context(journal, written.appends))
        if not self.store.append_if(journal, stored, written=written):
            raise not_continued(self.url, journal, self._obstacle(journal, written))
        self._written[journal] = Written(written.appends + 1, written.size_bytes + len(stored))

    def seal(self, journal: str) -> None:
        """End a journal."""
        self.store.seal(checked_id(journal, self.url))

    def journals(self) -> Mapping[str, bool]:
        """List the journals."""
        return self.store.journals()

    def read_journal(self, journal: str) -> bytes | None:
        """Read a journal."""
        data = self.store.read_journal(checked_id(journal, self.url))
        if data is None or self._encryption is None:
            return data
        return self._encryption.opened_journal(data, journal, f"{self.url}, journal {journal}")

    def drop(self, journal: str) -> None:
        """Remove a journal."""
        self.store.drop(checked_id(journal, self.url))

    def backups(self) -> Sequence[Backup]:
        """List former documents: sizes are those of what is stored."""
        return self.store.backups()

    def read_backup(self, name: str) -> bytes | None:
        """Read a former document."""
        document = self.store.read_backup(name)
        return None if document is None else self._decrypted(document, f"{self.url}, former document {name}")

    def remains(self) -> tuple[str, ...]:
        """Name what is there besides the document and the lock."""
        former = self.store.backups()
        documents = f"former document {former[0].name}" if len(former) == 1 else f"{len(former)} former documents"
        return (*(f"journal {journal}" for journal in self.store.journals()), *([documents] if former else []))

    def lock(self, holder: Holder) -> None:
        """Take the lock; the storage sees who does."""
        self.store.lock(holder)

    def unlock(self, lock_id: str) -> None:
        """Give the lock back."""
        self.store.unlock(lock_id)

    def holder(self) -> Holder | None:
        """Read who holds the lock."""
        return self.store.holder()

    def break_lock(self, lock_id: str) -> None:
        """Take the lock away."""
        self.store.break_lock(lock_id)

    def seal_recovery(self, lines: bytes) -> bytes:
        """Give a recovery file the form of the state that it is for."""
        return self._encrypted(lines, RECOVERY)

    def _encrypted(self, data: bytes, context: bytes) -> bytes:
        return data if self._encryption is None else self._encryption.sealed(data, context)

    def _decrypted(self, document: bytes, where: str) -> bytes:
        return document if self._encryption is None else self._encryption.opened(document, DOCUMENT, where)

    def _obstacle(self, journal: str, written: Written) -> str:
        """Say what happened to a journal that is not as this run left it."""
        if not written.appends:
            return "another run began it"
        if self.store.journals().get(journal, True):
            return "another run sealed it: it took this one for dead, or its lock was broken"
        return "it is not as this run left it: an append failed half way, or another program wrote to it"


def like_the_state(backend: Backend, lines: bytes) -> bytes:
    """Give a recovery file the form of the state that it is for: encrypted where that is."""
    return backend.seal_recovery(lines) if isinstance(backend, StoreBackend) else lines


def _object_store(location: Location) -> Store:
    """
    Open a state at s3://, gs:// or az://. Sends nothing yet.

    A URL that a branch wrote chooses a bucket and a folder of the cloud, the account and the endpoint that the
    environment names, and so no one else who could get a secret.
    """
    scheme = location.url.partition("://")[0].lower()
    extra, libraries = _CLOUDS[scheme]
    if not all(map(find_spec, libraries)):
        raise BackendError(
            "A library is missing.",
            f"States at {scheme}:// need {' and '.join(libraries)}.",
            f"Install them:\n    pip install 'msgflash-apply[{extra}]'",
        )
    package = "msgflash_apply.state.backends.object_store"
    clouds = import_module(f"{package}.clouds")
    objects = clouds.connect(clouds.parse_address(location.url), location.environ)
    return cast("Store", import_module(f"{package}.store").ObjectStore(objects))


def _postgres(location: Location) -> Store:
    """Open a state at postgresql://, where a URL that a branch wrote may lead. Connects to nothing yet."""
    address = parse_postgres_address(location.url)
    if not location.is_trusted:
        check_destination(address, location.environ)
    mode = ssl_mode(address, location.environ, is_trusted=location.is_trusted)
    try:
        import_module("psycopg")
    except ImportError as err:  # psycopg itself, or the client library that it needs
        raise BackendError(
            "A library is missing.",
            "A state at postgresql:// needs psycopg with PostgreSQL's client library.",
            "Install it:\n    pip install 'msgflash-apply[postgres]'",
        ) from err
    module = import_module("msgflash_apply.state.backends.postgres.store")
    return cast("Store", module.PostgresStore(address, location.environ, ssl_mode=mode))


def _terraform_http(location: Location) -> Store:
    from msgflash_apply.state.backends.terraform_http.store import open_terraform_http  # noqa: PLC0415 - loads httpx

    return open_terraform_http(location)


_BY_SCHEME: Final[Mapping[str, Callable[[Location], Store]]] = {
    "az": _object_store,
    "gs": _object_store,
    "s3": _object_store,
    "postgres": _postgres,
    "postgresql": _postgres,
    "http": _terraform_http,
    "https": _terraform_http,
}


def open_store(location: Location) -> Store:
    """
    Choose the storage of a state. Reads and writes nothing there; whether a state is there is found out later.

    Raises:
        BackendError: nothing keeps states under this scheme, a library is missing, or the URL is not one that the
            storage takes; names no credentials.
    """
    try:
        scheme = scheme_of_state(location.url)
    except ValueError as err:
        schemes = ", ".join(f"{known}://" for known in STATE_SCHEMES)
        raise BackendError(
            "The state's location is not supported.",
            f"It {err}.",
            f"Give the path of a file, or a URL that begins with one of these: {schemes}.",
        ) from err
    return LocalStore(location.root / location.url) if scheme is None else _BY_SCHEME[scheme](location)


def open_backend(location: Location, keys: Keyring | None = None) -> StoreBackend:
    """
    Choose the backend of a state, as `open_store` does; raises the same.

    Args:
        location: where the state is.
        keys: everything is encrypted with the first, and decrypted with any of them. None for plain text.
    """
    store = open_store(location)
    return StoreBackend(store, None if keys is None else Encryption(keys))
