"""
The secrets of this process, hidden by value wherever it prints: no key, token or password of ours gets out.

Nothing is hidden for how it looks: what a reviewer approves must be what people get, and a text that only looks like a
credential (`authorization: https://..`) goes out as it is. MsgFlash keys in files are errors instead (MF105).

Only variables on the lists below count. Others may hold what a stranger wrote (the title of a pull request), who could
then choose what a report hides.

A value of 16 characters, or of 8 with a letter and a digit among them, is hidden everywhere. A shorter or plainer one
(`postgres`) is a word that reports hold for other reasons: it is hidden where it is a credential, in front of the host
of a URL and in a header of HTTP. Read `redact` first.
"""

import html
import json
import logging
import os
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, Self
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

HIDDEN: Final = "[redacted]"

VALUES: Final = frozenset(
    {
        "MSGFLASH_API_KEY",
        "MSGFLASH_STATE_KEY",
        "TF_HTTP_PASSWORD",
        "TF_HTTP_CLIENT_PRIVATE_KEY_PEM",
        "CI_JOB_TOKEN",
        "PGPASSWORD",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AZURE_STORAGE_ACCOUNT_KEY",
        "AZURE_STORAGE_ACCESS_KEY",
        "AZURE_STORAGE_KEY",
        "AZURE_STORAGE_SAS_TOKEN",
        "AZURE_STORAGE_SAS_KEY",
        "AZURE_STORAGE_TOKEN",
        "AZURE_STORAGE_CLIENT_SECRET",
        "AZURE_CLIENT_SECRET",
        "GOOGLE_BEARER_TOKEN",
        "GOOGLE_SERVICE_ACCOUNT_KEY",
    }
)
"""Variables that are secrets."""

ADDRESSES: Final = frozenset(
    {
        "MSGFLASH_BASE_URL",
        "MSGFLASH_STATE",
        "TF_HTTP_ADDRESS",
        "TF_HTTP_LOCK_ADDRESS",
        "TF_HTTP_UNLOCK_ADDRESS",
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT",
        "AZURE_STORAGE_ENDPOINT",
        "AZURE_ENDPOINT",
        "GOOGLE_BASE_URL",
        *(name for scheme in ("http", "https", "all") for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper())),
    }
)
"""Variables that are URLs: the user's password is a secret, and so is a signature in the query."""

_LEAST_EVERYWHERE: Final = 8
_ALWAYS_EVERYWHERE: Final = 16
_CODED_USER: Final = 100
"""Characters in front of a password in base64 that go with it."""

_BETWEEN: Final = re.compile(r"""\\n|[\s"',:{}]+""")
_CODED_LINE: Final = re.compile("[A-Za-z0-9+/=_-]{40,}")
_BASIC: Final = re.compile(r"(?P<scheme>\bbasic[ \t]+)(?P<coded>[a-z0-9+/]{2,}={0,2})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Secrets:
    """
    Secrets, ready to be found in texts.

    Attributes:
        needles: a text that holds none of these is left as it is.
        pattern: what is hidden wherever it is.
        in_urls: the password of a URL that is hidden there alone.
        plain: words that are hidden where they are credentials.
    """

    needles: tuple[str, ...]
    pattern: re.Pattern[str]
    in_urls: re.Pattern[str]
    plain: frozenset[str]

    @classmethod
    def of(cls, values: Iterable[str]) -> Self:
        """Get ready to hide some values."""
        every = frozenset(value for value in values if value)
        unlike = frozenset(filter(_is_unlike_words, every))
        spelled = {spelling for value in unlike for spelling in _spellings(value)}
        coded = {core for value in unlike for core in _cores(value)} - spelled
        # The longest first: of two secrets that begin alike, the whole of each is hidden.
        literals = [re.escape(text) for text in sorted(spelled, key=len, reverse=True)]
        of_coded = "|".join(map(re.escape, sorted(coded)))
        runs = [rf"[A-Za-z0-9+/_-]{{0,{_CODED_USER}}}(?:{of_coded})[A-Za-z0-9+/_-]*={{0,2}}"]
        plain = every - unlike
        words = {spelling for value in plain for spelling in _spellings(value)}
        one_of = "|".join(re.escape(text) for text in sorted(words, key=len, reverse=True))
        return cls(
            needles=(*_shortest(spelled | coded), *(("@", "asic", "ASIC") if plain else ())),
            pattern=re.compile("|".join([*runs, *literals]) if coded else "(?!)"),
            in_urls=re.compile(rf"(?P<before>://(?:[^\s/?#@\"'<>]*:)?)(?:{one_of})@" if plain else "(?!)"),
            plain=plain,
        )

    def hidden_in(self, text: str) -> str:
        """Replace each of them by `[redacted]`. Doing it again changes nothing more."""
        for needle in self.needles:
            if needle in text:
                break
        else:
            return text
        text = self.pattern.sub(HIDDEN, text)
        if not self.plain:
            return text
        return _BASIC.sub(self._hidden_in_header, self.in_urls.sub(rf"\g<before>{HIDDEN}@", text))

    def _hidden_in_header(self, found: re.Match[str]) -> str:
        try:
            decoded = b64decode(found["coded"], validate=True).decode()
        except ValueError:
            return found[0]
        return f"{found['scheme']}{HIDDEN}" if decoded.partition(":")[2] in self.plain else found[0]


def secrets_in(environ: Mapping[str, str]) -> Iterator[str]:
    """Find the secrets among the variables of an environment, on our lists and no others."""
    for name, value in environ.items():
        if name in VALUES:
            yield from parts_of(value)
        elif name in ADDRESSES:
            yield from _secrets_of_address(value)


def parts_of(value: str) -> Iterator[str]:
    """A secret as it was given; of several keys, of PEM and JSON also each line or text that may be printed alone."""
    yield value.strip()
    parts = _BETWEEN.split(value)
    if len(parts) > 1:
        yield from filter(_CODED_LINE.fullmatch, parts)
    yield from (text for name, text in parse_qsl(value.removeprefix("?")) if name == "sig")


def _secrets_of_address(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url.strip() if "://" in url else f"//{url.strip()}")
        user, password = parts.username, parts.password
    except ValueError:
        return
    # A user alone may be a token; that of a database is a name.
    secret = password or ("" if parts.scheme.startswith("postgres") else user) or ""
    yield from (secret, unquote(secret), *(text for _, text in parse_qsl(parts.query)))


def _is_unlike_words(value: str) -> bool:
    """Whether a value is found in a text for no other reason than that it is this secret."""
    is_mixed = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return len(value) >= (_LEAST_EVERYWHERE if is_mixed else _ALWAYS_EVERYWHERE)


def _spellings(value: str) -> Iterator[str]:
    """A secret as it may be printed: plain, in a URL, in JSON, in Python, in markup, as hexadecimal digits."""
    data = os.fsencode(value)
    yield value
    for quoted in (quote(data, safe=""), quote(data), quote_plus(data)):
        yield from (quoted, re.sub("%..", lambda found: found[0].lower(), quoted))
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    yield from (repr(value)[1:-1], html.escape(value), data.hex())


def _cores(value: str) -> Iterator[str]:
    """What base64 makes of a secret, whatever is before it (`user:`): of each way to lie in groups of three bytes."""
    data = os.fsencode(value)
    for before in range(3):
        coded = b64encode(bytes(before) + data).decode()
        yield coded[(before * 8 + 5) // 6 : (before + len(data)) * 8 // 6]


def _shortest(texts: Iterable[str]) -> Iterator[str]:
    """Those that hold no other: where none of them is, none of the others can be."""
    kept: list[str] = []
    for text in sorted(texts, key=len):
        if not any(each in text for each in kept):
            kept.append(text)
    return iter(kept)


_learned: set[str] = set()


@cache
def _own() -> Secrets:
    return Secrets.of([*secrets_in(os.environ), *_learned])


def learn(secret: str) -> None:
    """Hide this from now on, too: what a file held, and no variable."""
    _learned.update(parts_of(secret))
    _own.cache_clear()


def redact(text: str) -> str:
    """
    Replace every secret of this process by `[redacted]`.

    Takes plain text, before it is wrapped or coloured: a key that is broken over two lines is not recognised.
    Redacting twice changes nothing more.
    """
    return _own().hidden_in(text)


_FETCHED = re.compile(
    # `name: value` to the end of its line, `'name': 'value'`, and pairs (b'name', b'value').
    r"""(?P<before>\b(?:x-api-key|(?:proxy-)?authorization|x-amz-security-token|x-amz-sso_bearer_token|(?:set-)?cookie)
        ["']?[ \t]*(?:[:=]|,[ ](?=b))[ \t]*)
        (?:b?'[^']*'|b?"[^"]*"|[^'"\s][^\r\n]*)""",
    re.IGNORECASE | re.VERBOSE,
)
"""Headers with what a library fetched by itself, such as a cloud's temporary token: no value of it is known here."""

_OURS = __name__.partition(".")[0]


class RedactingFilter(logging.Filter):
    """
    Redacts a log record in place: message, arguments, exception and stack.

    Put it on handlers, not on loggers: a logger's filters do not see what its children log.
    """

    _formatter = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, without its secrets; the exception stays as text only."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):
            # Arguments that do not fit: logging itself would print them as they are, secrets included.
            message = f"{record.msg} {record.args}"
        is_ours = record.name.partition(".")[0] == _OURS
        record.msg = redact(message if is_ours else _FETCHED.sub(rf"\g<before>{HIDDEN}", message))
        record.args = None
        if record.exc_info:
            record.exc_text = self._formatter.formatException(record.exc_info)
            record.exc_info = None
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        return True
