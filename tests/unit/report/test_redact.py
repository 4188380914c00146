"""Secrets never get through, and redacting twice is redacting once."""

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msgflash_apply.report.safe_text import RedactingFilter, redact

LIVE_KEY = "msgf_live_" + "0123456789abcdef" * 4

SECRETS = {
    f"key {LIVE_KEY}.": "key msgf_….",
    "msgf_team_Ab-9": "msgf_…",
    "MSGF_LIVE_ABC": "msgf_…",
    "msgf_whatever_comes": "msgf_…",
    "?k=msgf%5Flive%5Fabc&b=1": "?k=msgf_…&b=1",
    "msgf%255flive%255fabc": "msgf_…",
    "https://user:secret@host/path": "https://[redacted]@host/path",
    "postgresql://u:p@ss@db/x?y=1": "postgresql://[redacted]@db/x?y=1",
    "postgresql://u@x:p@db/x": "postgresql://[redacted]@db/x",
    "https://token@host/path": "https://[redacted]@host/path",
    "x-api-key: abc": "x-api-key: [redacted]",
    "{'X-Api-Key': 'abc', 'a': 'b'}": "{'X-Api-Key': '[redacted]', 'a': 'b'}",
    '{"authorization": "Digest a=\\"b\\", c", "d": 1}': '{"authorization": "[redacted]", "d": 1}',
    r'"{\"x-api-key\": \"abc\"}"': r'"{\"x-api-key\": \"[redacted]\"}"',
    "[(b'x-api-key', b'abc')]": "[(b'x-api-key', b'[redacted]')]",
    "Authorization: Bearer abc.def": "Authorization: Bearer [redacted]",
    'x-api-key="abc" x': 'x-api-key="[redacted]" x',
    "authorization=Basic dTpw": "authorization=Basic [redacted]",
    "ProxyError: 407 no Basic YWRhOnMzY3JldA== here": "ProxyError: 407 no Basic [redacted] here",
    "(b'x-echo', b'basic  YWRhOnM=')": "(b'x-echo', b'basic  [redacted]')",
}

HARMLESS = [
    '{"x-api-key": 7}',
    "msgflash-apply plan",
    "https://host/a@b",
    "postgresql://ada@db/x",
    "msgf_…",
    "without authorization, nothing",
    "a basic subscription",
    "Basic training12345",
    "basic AAAAAAAA",
    "basic dXNlcg==",
    "msgf_live_...",
]

texts = st.text() | st.lists(
    st.sampled_from(
        [
            *SECRETS,
            *HARMLESS,
            LIVE_KEY,
            "@",
            "://",
            "msgf_",
            "\n",
            " ",
            '"',
            ":",
            "Authorization",
            "basic ",
            "dTpw",
            "\\",
            "=",
            ", b",
        ]
    )
).map("".join)


@pytest.mark.parametrize(("text", "expected"), SECRETS.items())
def test_secrets_are_replaced(text: str, expected: str) -> None:
    """Each kind of secret is replaced and the text around it is kept."""
    assert redact(text) == expected


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_texts_stay(text: str) -> None:
    """What only looks a little like a secret is left alone."""
    assert redact(text) == text


@given(texts)
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    """Text may pass through the redaction at every door."""
    once = redact(text)
    assert redact(once) == once


@given(before=texts, rest=st.text(alphabet="0123456789abcdef", min_size=16, max_size=64), after=texts)
def test_no_key_gets_through(before: str, rest: str, after: str) -> None:
    """Whatever is around a key, its characters are gone."""
    assert f"msgf_live_{rest}" not in redact(f"{before}msgf_live_{rest}{after}")


@given(st.dictionaries(texts, texts | st.integers() | st.lists(texts)))
def test_json_stays_json(document: dict[str, object]) -> None:
    """What was JSON before it was redacted is JSON afterwards, whatever its texts hold."""
    json.loads(redact(json.dumps(document)))


def a_log_record(message: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    """Build what logging hands to a filter."""
    exc_info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("msgflash_apply", logging.INFO, __file__, 1, message, args, exc_info)


def test_log_arguments_are_redacted() -> None:
    """A key that comes as an argument does not reach the log."""
    record = a_log_record("asked %s with %s", "https://u:p@host", LIVE_KEY)
    passed = RedactingFilter().filter(record)
    assert passed
    assert record.getMessage() == "asked https://[redacted]@host with msgf_…"


def test_log_exceptions_are_redacted() -> None:
    """A key in an exception's text or in a stack does not reach the log, whichever handler formats the record."""
    with pytest.raises(ValueError, match=LIVE_KEY) as caught:
        int(LIVE_KEY)
    record = a_log_record("failed", error=caught.value)
    record.stack_info = f"Stack\n{LIVE_KEY}"
    RedactingFilter().filter(record)
    text = logging.Formatter("%(message)s").format(record)
    assert "ValueError: invalid literal for int() with base 10: 'msgf_…'" in text
    assert LIVE_KEY not in text
    assert record.exc_info is None


def test_ill_formed_log_call_is_redacted() -> None:
    """Arguments that do not fit their message are logged, without the key among them."""
    record = a_log_record("asked %s", "a", LIVE_KEY)
    RedactingFilter().filter(record)
    assert record.getMessage() == "asked %s ('a', 'msgf_…')"
