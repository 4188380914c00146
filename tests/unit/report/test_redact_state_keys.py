"""A state key beside its name never gets through, and what only looks like one does."""

import pytest

from msgflash_apply.report.safe_text import redact
from tests.support.keys import KEY, OTHER_KEY


@pytest.mark.parametrize(
    "text",
    [
        "MSGFLASH_STATE_KEY={}",
        "export MSGFLASH_STATE_KEY='{}'",
        "state_key: {}",
        'state_key_file: "{}"',
        '{{"state_key": "{}"}}',
        r"{{\"state_key\": \"{}\"}}",
    ],
)
def test_state_key_beside_its_name(text: str) -> None:
    """A state key, or two, written into a file or a shell in any way is taken out, once."""
    for keys in (KEY, f"{KEY} {OTHER_KEY}", f"{KEY}\n{OTHER_KEY}"):
        shown = redact(text.format(keys))

        assert shown == text.format("[redacted]")
        assert redact(shown) == shown


@pytest.mark.parametrize("text", [f"sha256: {KEY}", "state_key_file: /run/secrets/acme/production/msgflash-state-key"])
def test_digest_and_name_of_a_file(text: str) -> None:
    """A digest in base64 and the name of a key file are no keys."""
    assert redact(text) == text
