"""The advice that comes with a create."""

from msgflash_apply.sandbox.campaigns import assess_audience
from msgflash_apply.sandbox.seed import BOUTIQUE_ID, TEST_PHONE_ID
from tests.support.sandbox import a_world, at


def test_small_warm_audience_is_allowed() -> None:
    """Within the limits the decision is allow, without reasons (5.10)."""
    world = a_world()
    safety = assess_audience(world.instances[BOUTIQUE_ID], list(world.contacts.values()))
    assert (safety["decision"], safety["reasons"]) == ("allow", [])


def test_too_many_recipients_warn() -> None:
    """More recipients than the instance's maxCampaignRecipients is a warning with the numbers (5.10)."""
    world = a_world()
    safety = assess_audience(world.instances[TEST_PHONE_ID], list(world.contacts.values()))
    assert (safety["decision"], safety["riskLevel"]) == ("warn", "medium")
    assert at(safety, "audience.totalRecipients") == 120
    assert at(safety, "appliedLimits.maxCampaignRecipients") == 100


def test_too_cold_an_audience_warns() -> None:
    """A share of cold contacts above maxColdRatio is a warning (5.10)."""
    world = a_world()
    cold = [contact for contact in world.contacts.values() if contact.temperature == "cold"]
    warm = [contact for contact in world.contacts.values() if contact.temperature == "warm"]
    safety = assess_audience(world.instances[BOUTIQUE_ID], cold[:5] + warm[:3])
    assert safety["decision"] == "warn"
    assert at(safety, "audience.coldRatio") == 0.625


def test_nobody_is_no_risk() -> None:
    """An empty audience is allowed, with ratios of 0 (5.10)."""
    safety = assess_audience(a_world().instances[BOUTIQUE_ID], [])
    assert (safety["decision"], at(safety, "audience.coldRatio")) == ("allow", 0.0)
