"""This process's secrets never get through, in whatever spelling; what only looks like a credential always does."""

import json
import logging
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from msgflash_apply.report.own_secrets import RedactingFilter, Secrets, learn, redact, secrets_in
from msgflash_apply.state.backends.object_store.clouds import VARIABLES
from tests.support.keys import KEY, OTHER_KEY

API_KEY = "msgf_live_" + "0123456789abcdef" * 4
ODD = 'c4n/ry+é"<&\\end'
SHORT = "hunter2"
WORD = "postgres"
SECRETS = Secrets.of([API_KEY, ODD, SHORT, WORD, ""])

learn(API_KEY)  # for what hides in logs; no other test says it

SPELLINGS = {
    f"key {API_KEY}.": "key [redacted].",
    f"?k={quote(ODD, safe='')}&b=1": "?k=[redacted]&b=1",
    f"/{quote(ODD)}?": "/[redacted]?",
    quote(ODD, safe="").lower(): "[redacted]",
    json.dumps([ODD]): '["[redacted]"]',
    json.dumps({"a": ODD}, ensure_ascii=False): '{"a": "[redacted]"}',
    repr([ODD]): "['[redacted]']",
    "<b>c4n/ry+é&quot;&lt;&amp;\\end</b>": "<b>[redacted]</b>",
    f"x-api-key: {API_KEY}": "x-api-key: [redacted]",
    f"authorization: Basic {b64encode(f'ada:{ODD}'.encode()).decode()} and": "authorization: Basic [redacted] and",
    f"407 no {b64encode(f'a long user:{API_KEY}'.encode()).decode()}": "407 no [redacted]",
    f"Basic {b64encode(f'ada:{SHORT}'.encode()).decode()}": "Basic [redacted]",
    f"https://ada:{SHORT}@host/path": "https://ada:[redacted]@host/path",
    f"https://{SHORT}@host/path": "https://[redacted]@host/path",
    f"{WORD}ql://{WORD}:{WORD}@db/{WORD}": f"{WORD}ql://{WORD}:[redacted]@db/{WORD}",
}

CAMPAIGN_TEXTS = [
    "authorization: https://x.example/?token=abc&password=hunter3",
    "https://user:secret@cdn.example.com/a.jpg",
    "msgf_live_" + "f" * 64,
    "x-api-key: abc",
    "Basic dXNlcjpzZWNyZXQ= training",
    "Basic /w==",
    f"the {WORD} database, and {SHORT} as a word",
    "MSGFLASH_STATE_KEY=" + b64encode(b"x" * 32).decode(),
]

texts = st.text() | st.lists(st.sampled_from([*SPELLINGS, *CAMPAIGN_TEXTS, API_KEY, ODD, "@", "://", "\n", '"'])).map(
    "".join
)


@pytest.mark.parametrize(("text", "expected"), SPELLINGS.items())
def test_secrets_are_hidden(text: str, expected: str) -> None:
    """Each spelling of a secret is hidden, and the text around it is kept; a short or plain one where it is one."""
    assert SECRETS.hidden_in(text) == expected


@pytest.mark.parametrize("text", CAMPAIGN_TEXTS)
def test_campaign_text_is_shown(text: str) -> None:
    """What only looks like a credential goes out to people, and so reviewers see it."""
    assert SECRETS.hidden_in(text) == text
    assert redact(text) == text


@given(texts)
def test_hiding_twice_changes_nothing_more(text: str) -> None:
    """Text may pass through at every door."""
    once = SECRETS.hidden_in(text)
    assert SECRETS.hidden_in(once) == once


@given(texts, texts)
@example("https://", "")
def test_no_secret_gets_through(before: str, after: str) -> None:
    """Whatever is around a key, it is gone."""
    assert API_KEY not in SECRETS.hidden_in(f"{before}{API_KEY}{after}")


@given(texts)
def test_nothing_is_hidden_without_secrets(text: str) -> None:
    """A process without secrets shows everything."""
    assert Secrets.of([]).hidden_in(text) == text


@pytest.mark.parametrize(
    ("environ", "secrets"),
    [
        ({"MSGFLASH_API_KEY": f" {API_KEY}\n"}, {API_KEY}),
        ({"MSGFLASH_STATE_KEY": f"{KEY} {OTHER_KEY}"}, {KEY, OTHER_KEY, f"{KEY} {OTHER_KEY}"}),
        ({"MSGFLASH_STATE": "https://ada:p%40ss@h/s?sig=a%2Bb"}, {"p%40ss", "p@ss", "a+b"}),
        ({"https_proxy": "ada:secret@proxy:3128"}, {"secret"}),
        ({"HTTPS_PROXY": "http://token@proxy"}, {"token"}),
        ({"MSGFLASH_STATE": "postgresql://ada@db/states", "ALL_PROXY": "http://[::1"}, set()),
        ({"AZURE_STORAGE_SAS_TOKEN": "?sv=2&sig=a%3D"}, {"?sv=2&sig=a%3D", "a="}),
        ({"GOOGLE_SERVICE_ACCOUNT_KEY": f'{{"private_key": "-----BEGIN\\n{KEY}\\n"}}'}, {KEY}),
        ({"MSGFLASH_VAR_a": "https://u:secret@h", "PR_BODY": "https://u:secret@h", "MSGFLASH_ENV": API_KEY}, set()),
    ],
)
def test_secrets_of_an_environment(environ: Mapping[str, str], secrets: set[str]) -> None:
    """Only listed variables hold secrets: those that a stranger may fill cannot choose what a report hides."""
    assert set(filter(None, secrets_in(environ))) >= secrets
    assert bool(set(filter(None, secrets_in(environ)))) == bool(secrets)


@pytest.mark.parametrize("cloud", ["s3", "az", "gs"])
def test_variables_of_the_clouds_are_on_the_list(cloud: str) -> None:
    """Whatever a storage reads by a name that says secret is hidden."""
    variables = VARIABLES[cloud]
    telling = ("secret", "token", "key")
    plain = {"access_key_id", "sse_kms_key_id", "sse_bucket_key_enabled"}
    for setting, names in variables.items():
        if setting not in plain and not setting.endswith("_file") and any(word in setting for word in telling):
            assert [list(secrets_in({name: API_KEY})) for name in names] == [[API_KEY]] * len(names)


def a_log_record(
    message: str, *args: object, error: BaseException | None = None, name: str = "msgflash_apply"
) -> logging.LogRecord:
    """Build what logging hands to a filter."""
    exc_info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord(name, logging.INFO, __file__, 1, message, args, exc_info)


def test_log_arguments_are_redacted() -> None:
    """A key that comes as an argument does not reach the log."""
    record = a_log_record("asked %s with %s", "https://u:p@host", API_KEY)
    passed = RedactingFilter().filter(record)
    assert passed
    assert record.getMessage() == "asked https://u:p@host with [redacted]"


def test_log_exceptions_are_redacted() -> None:
    """A key in an exception's text or in a stack does not reach the log, whichever handler formats the record."""
    with pytest.raises(ValueError, match=API_KEY) as caught:
        int(API_KEY)
    record = a_log_record("failed", error=caught.value)
    record.stack_info = f"Stack\n{API_KEY}"
    RedactingFilter().filter(record)
    text = logging.Formatter("%(message)s").format(record)
    assert "ValueError: invalid literal for int() with base 10: '[redacted]'" in text
    assert API_KEY not in text
    assert record.exc_info is None


def test_ill_formed_log_call_is_redacted() -> None:
    """Arguments that do not fit their message are logged, without the key among them."""
    record = a_log_record("asked %s", "a", API_KEY)
    RedactingFilter().filter(record)
    assert record.getMessage() == "asked %s ('a', '[redacted]')"


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("[(b'x-api-key', b'abc'), (b'b', 1)]", "[(b'x-api-key', [redacted]), (b'b', 1)]"),
        ("Authorization: Bearer abc.def\r\nnext", "Authorization: [redacted]\r\nnext"),
        ("{'X-Amz-Security-Token': 'x', 'a': 1}", "{'X-Amz-Security-Token': [redacted], 'a': 1}"),
        ("without authorization, nothing", "without authorization, nothing"),
    ],
)
def test_tokens_that_a_library_fetched(line: str, left: str) -> None:
    """Headers in the log lines of libraries are hidden by name: this process does not know their values."""
    theirs, ours = a_log_record(line, name="botocore.endpoint"), a_log_record(line, name="msgflash_apply.plan")
    for record in (theirs, ours):
        RedactingFilter().filter(record)
    assert (theirs.getMessage(), ours.getMessage()) == (left, line)
