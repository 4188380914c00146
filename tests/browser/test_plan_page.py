"""The page in a real browser: nothing runs, nothing leaves, and everybody can read it."""

import pytest

from msgflash_apply.campaign import Address
from msgflash_apply.plan.plan import Plan
from tests.browser.conftest import OpenPlan
from tests.browser.measures import CONTRASTS, FAULTS, FOCUSED, REACHABLE
from tests.golden.examples import PLANS
from tests.unit.report.builders import a_change, a_payload, a_plan
from tests.unit.report.hostile import CANARY, CORPUS, hostile_plan, many_changes

pytestmark = pytest.mark.needs("chromium")

PHONE = {"width": 360, "height": 780}
INJECTED = f"""() => {{
  document.body.insertAdjacentHTML("beforeend", `<img src="https://evil.example/x.png" onerror="{CANARY}">`);
  const script = document.createElement("script");
  script.textContent = `{CANARY}`;
  document.body.append(script);
}}"""


def labelled(name: str, instance: str, team: str) -> Plan:
    """Build two creates that differ in number and label."""
    other = a_change(address=Address("promo/other"), names={"instanceId": "other-number"}, labels={"team": "other"})
    payload = a_payload(instanceId="id-of-it")
    return a_plan(
        other, a_change(address=Address(name), after=payload, names={"instanceId": instance}, labels={"team": team})
    )


@pytest.mark.parametrize("text", CORPUS.values(), ids=CORPUS)
def test_no_text_runs_or_fetches(text: str, open_plan: OpenPlan) -> None:
    """Whatever a campaign says, its page fetches nothing and runs nothing of it, opened or pointed at."""
    seen: list[str] = []
    page = open_plan(hostile_plan(text), watch=seen)
    page.get_by_role("button", name="Open all").click()
    page.locator(".bubble").first.hover()
    page.wait_for_timeout(20)
    assert [each for each in seen if not each.startswith("request file://")] == []
    assert len(seen) == 1
    assert not page.title().startswith("owned")


def test_policy_is_a_second_wall(open_plan: OpenPlan) -> None:
    """Even markup that got into the page could neither run nor fetch."""
    seen: list[str] = []
    page = open_plan(PLANS["every-action"], watch=seen)
    page.evaluate(INJECTED)
    page.wait_for_timeout(50)
    assert page.title().startswith("Plan for production")
    blocked = [each for each in seen if "violates the following Content Security Policy directive" in each]
    assert [name for name in ("script-src", "https://evil.example/x.png") if not any(name in b for b in blocked)] == []
    assert "failed csp https://evil.example/x.png" in seen


@pytest.mark.parametrize(
    ("field", "choice"), [("Number", "boutique"), ("Label", "team=shops")], ids=["number", "label"]
)
def test_filters_keep_what_was_chosen(field: str, choice: str, open_plan: OpenPlan) -> None:
    """A number or a label keeps its campaigns, says how many, and can be taken back."""
    page = open_plan(labelled("promo/mine", "boutique", "shops"))
    page.get_by_label(field, exact=True).select_option(choice)
    assert page.locator(".card:visible .address").all_inner_texts() == ["promo/mine"]
    assert page.get_by_role("status").inner_text() == "1 of 2 shown"
    page.get_by_role("button", name="Show all").click()
    page.get_by_text("2 of 2 shown").wait_for()
    assert page.locator(".card:visible").count() == 2


def test_filters_by_action_and_address(open_plan: OpenPlan) -> None:
    """Filters go together: an action, and a part of an address."""
    page = open_plan(PLANS["every-action"])
    page.get_by_label("Action", exact=True).select_option("create")
    assert page.get_by_role("status").inner_text() == "3 of 11 shown"
    page.get_by_label("Address", exact=True).fill("SURV")
    assert page.locator(".card:visible .address").all_inner_texts() == ["promo/survey"]
    assert page.locator(".mark[data-card]:not(.left-out)").count() == 1


def test_filters_keep_templates_too(open_plan: OpenPlan) -> None:
    """Templates have the same filters: by action they are found with the campaigns, by number they are not."""
    page = open_plan(PLANS["templates"])
    page.get_by_label("Action", exact=True).select_option("create")
    shown = page.locator(".card:visible .address").all_inner_texts()
    assert shown == ["news/first", "promo/relance", "promo/relance-december"]
    page.get_by_label("Number", exact=True).select_option("boutique-principale (+33612345678)")
    assert page.locator(".card:visible .address").all_inner_texts() == ["promo/relance-december"]


def test_a_mark_leads_to_its_campaign(open_plan: OpenPlan) -> None:
    """Who clicks a mark of the timeline, or a line of its list, finds the campaign opened."""
    page = open_plan(many_changes(30))
    page.locator(".mark[data-card]").last.click(force=True)
    assert page.locator(".card details[open]").count() == 1
    page.get_by_text("The same as a list").click()
    page.get_by_role("link", name="promo/00029").click()
    page.locator("#c30 details[open] .bubble").wait_for()


def test_everything_is_readable_without_script(open_plan: OpenPlan) -> None:
    """Without script there are no filters, and every campaign can be opened and read."""
    page = open_plan(many_changes(30), java_script_enabled=False)
    assert not page.locator("#filters").is_visible()
    page.locator("#c30 summary").click()
    assert page.locator("#c30 .bubble").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["every-action", "every-reason", "hostile-texts", "templates"])
def test_contrast(name: str, scheme: str, open_plan: OpenPlan) -> None:
    """Every text stands out from what is behind it, by day and by night."""
    page = open_plan(PLANS[name], color_scheme=scheme)
    assert page.evaluate(CONTRASTS) == []


@pytest.mark.parametrize("name", PLANS)
def test_structure_for_screen_readers(name: str, open_plan: OpenPlan) -> None:
    """Headings are in order, and every field, picture and landmark has a name."""
    assert open_plan(PLANS[name]).evaluate(FAULTS) == []


def test_keyboard_reaches_everything(open_plan: OpenPlan) -> None:
    """The Tab key goes to every control in turn, each of which shows that it has the focus."""
    page = open_plan(PLANS["every-action"])
    expected = page.evaluate(REACHABLE)
    stops = []
    for _ in range(expected):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(FOCUSED))
    assert page.locator("[data-reached]").count() == expected
    assert "none" not in {outline for _, outline in stops}
    assert page.locator(".skip[data-reached]").count() == 1


@pytest.mark.parametrize("text", [CORPUS["long-word"], CORPUS["combining"], "word " * 400])
def test_fits_a_phone(text: str, open_plan: OpenPlan) -> None:
    """On 360 pixels nothing is wider than the screen, however long the words."""
    page = open_plan(hostile_plan(text), viewport=PHONE)
    page.get_by_role("button", name="Open all").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_print_shows_every_message(open_plan: OpenPlan) -> None:
    """On paper every campaign is opened, black on white, without controls."""
    page = open_plan(many_changes(30), color_scheme="dark", java_script_enabled=False)
    page.emulate_media(media="print")
    assert page.locator("#c30 .bubble").is_visible()
    assert page.locator("body").evaluate("each => getComputedStyle(each).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("#filters").is_visible()


@pytest.mark.slow
def test_ten_thousand_campaigns_open(open_plan: OpenPlan) -> None:
    """A plan of ten thousand creates opens, is counted per day, and can be filtered."""
    page = open_plan(many_changes(10_000))
    assert page.get_by_role("status").inner_text() == "10000 of 10000 shown"
    assert page.locator("rect.bar").count() == 1
    page.get_by_label("Address", exact=True).fill("promo/0999")
    assert page.get_by_role("status").inner_text() == "10 of 10000 shown"
