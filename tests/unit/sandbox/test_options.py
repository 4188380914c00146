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
        (lambda: Options(port=70_000), "a port"),
        (lambda: Options(clock_speed=-1), "speed"),
        (lambda: Options(start_at=NOON.replace(tzinfo=None)), "time zone"),
        (lambda: Options(api_keys=()), "without keys"),
    ],
)
def test_options_that_can_not_be(make: Callable[[], Options], complaint: str) -> None:
    """Options are checked when they are made."""
    with pytest.raises(ValueError, match=complaint):
        make()
