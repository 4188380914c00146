"""Lifting limits of the policy for one run."""

from datetime import time, timedelta

from msgflash_apply.models.project import LIMITS, Policy, QuietHours

STRICT = Policy(quiet_hours=QuietHours(time(21), time(8), "UTC"))


def test_nothing_lifted_is_the_same_policy() -> None:
    """Without an override every limit is kept."""
    assert STRICT.without(()) == STRICT


def test_everything_lifted_leaves_no_limit() -> None:
    """All overrides together lift every limit, and nothing else."""
    lifted = Policy(
        timedelta(0),
        None,
        None,
        None,
        STRICT.placeholders_in_direct,
        retire_all=True,
        lift_audiences=True,
        trust_state=True,
    )

    assert STRICT.without(LIMITS) == lifted


def test_each_override_lifts_its_own_limit() -> None:
    """One override leaves the other limits as they are."""
    lifted = [STRICT.without([limit]) for limit in LIMITS]

    assert [one.min_lead_time for one in lifted].count(timedelta(0)) == 1
    assert [one.quiet_hours for one in lifted].count(None) == 1
    assert [one.max_creates for one in lifted].count(None) == 1
    assert [one.max_retires for one in lifted].count(None) == 1
