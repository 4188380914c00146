"""What a sandbox can be started with."""

from collections.abc import Callable

import pytest

from msgflash_apply.sandbox.options import Options
from tests.support.sandbox import NOON


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: Options(host="192.0.2.1"), "loopback only"),
        (lambda: Options(host="example.com"), "loopback only"),
        (lambda: Options(port=70_000), "port must be"),
        (lambda: Options(clock_speed=-1), "speed must be"),
        (lambda: Options(start_at=NOON.replace(tzinfo=None)), "time zone"),
        (lambda: Options(api_keys=()), "at least one API key"),
    ],
)
def test_impossible_options_are_refused(make: Callable[[], Options], complaint: str) -> None:
    """Options are checked when they are made."""
    with pytest.raises(ValueError, match=complaint):
        make()
