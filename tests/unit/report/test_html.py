"""The page shows campaign text as text, runs nothing but its own script, and fetches nothing."""

import re
from base64 import b64encode
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msgflash_apply.campaign import Address, Content
from msgflash_apply.plan.plan import Action, Plan, Reason, RequestForecast, UsedTemplate
from msgflash_apply.report.html.page import MOST_WARNINGS, plan_to_html
from msgflash_apply.report.safe_text import visible
from tests.golden.examples import PLANS
from tests.unit.report.builders import INSTANCE_ID, NOW, a_change, a_finding, a_payload, a_plan
from tests.unit.report.hostile import CORPUS, hostile_plan

TAGS = re.compile(
    "html|head|meta|title|style|script|body|header|main|section|article|details|summary|h[1-4]|div|span|p|a|b|br|pre|code"
    "|ul|ol|li|dl|dt|dd|small|strong|mark|figure|svg|defs|circle|rect|path|text|g|use|form|label|select|option|input"
    "|button|output|table|thead|tbody|tr|th|td"
)
LINK = re.compile(r"#(?:main|c\d+|sends|blocked|doubt|stopped)")
UNHURRIED = settings(deadline=None, max_examples=60)
TEXTS = st.text(st.sampled_from("<>\"'&/=`{}%#;:- \n\x00\u202eax1") | st.characters(), max_size=60)


class Page(HTMLParser):
    """What a browser makes of a page: tags with their attributes, and the texts of style and script."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.raw: dict[str, str] = {}
        self._open = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._open = tag

    def handle_data(self, data: str) -> None:
        """Keep what a style or script says."""
        if self._open in {"script", "style"}:
            self.raw[self._open] = self.raw.get(self._open, "") + data

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        del tag
        self._open = ""


def page_of(plan: Plan) -> str:
    """Show a plan as a page."""
    return plan_to_html(plan, now=NOW)


def assert_inert(html: str) -> None:
    """Assert that a page holds our elements alone, without handlers, styles or addresses of others in them."""
    page = Page(html)
    for tag, attributes in page.elements:
        assert TAGS.fullmatch(tag)
        assert not [
            name for name in attributes if name.startswith("on") or name in {"style", "src", "srcdoc", "action"}
        ]
        assert LINK.fullmatch(attributes.get("href", "#main"))
    for tag in ("script", "style"):
        assert [name for name, _ in page.elements].count(tag) == 1


@pytest.mark.parametrize("text", CORPUS.values(), ids=CORPUS)
def test_hostile_text_stays_text(text: str) -> None:
    """No text becomes an element, an attribute or an address, wherever a stranger can put it."""
    html = page_of(hostile_plan(text))
    assert_inert(html)
    assert not re.search("[\x00\x1b\u202e\u2066\ud800]", html)


@UNHURRIED
@given(TEXTS)
def test_any_text_stays_text(text: str) -> None:
    """The same holds for every text there is."""
    html = page_of(hostile_plan(text))
    assert_inert(html)


def test_page_names_its_style_and_script_by_digest() -> None:
    """Nothing but the page's own style and script may act, and nothing may be fetched."""
    page = Page(page_of(PLANS["every-action"]))
    policy = next(attributes["content"] for _, attributes in page.elements if "http-equiv" in attributes)
    digests = {
        tag: "sha256-" + b64encode(sha256(page.raw[tag].encode()).digest()).decode() for tag in ("style", "script")
    }
    assert policy == (
        f"default-src 'none'; style-src '{digests['style']}'; script-src '{digests['script']}';"
        " base-uri 'none'; form-action 'none'"
    )


@UNHURRIED
@given(st.text(min_size=1, max_size=200).filter(lambda text: "{{" not in text and "\n" not in text))
def test_a_line_reads_as_it_was_written(text: str) -> None:
    """A line of a message is on the page, character by character."""
    html = page_of(a_plan(a_change(after=a_payload(body=f"first\n{text}"))))
    shown = re.search(r'<p class="text">first\n(.*?)</p>', html, re.DOTALL)
    assert shown is not None
    assert unescape(shown.group(1)) == visible(text)


def test_placeholders_are_marked() -> None:
    """What the server would fill in is marked, and direct content says that it may not be."""
    html = page_of(a_plan(a_change(after=a_payload(body="Bonjour {{contact.firstName}}, {{ nothing to see }}"))))
    marks = re.findall(r'<mark class="placeholder" title="([^"]+)">([^<]+)</mark>', html)
    note = "MsgFlash is not known to fill this in outside templates: it may go out as written"
    assert marks == [(note, "{{contact.firstName}}")]


def test_words_of_a_template_are_on_the_phone() -> None:
    """In template mode the phone shows what people get; the placeholders that remain say what becomes of them."""
    payload = a_payload(type=None, body=None, templateId="t", variables={"code": "BF<30>"})
    content = Content(
        "image", "Hi {{contact.firstName}}, {{custom.code}} {{ custom.day }}", "https://cdn.example/a.jpg"
    )
    html = page_of(a_plan(a_change(after=payload, template=UsedTemplate("t", "relance", content))))
    shown = re.search(r'<p class="text">(.*?)</p>', html)
    assert shown is not None
    assert re.sub("<[^>]+>", "", shown[1]) == "Hi {{contact.firstName}}, BF&lt;30&gt; {{ custom.day }}"
    assert re.findall(r'title="([^"]+)"', shown[1]) == [
        "filled in by MsgFlash for each contact",
        "no variable of the campaign fills this in: its messages would fail",
    ]
    assert "<strong>a.jpg</strong>" in html
    assert "<dt>template</dt><dd>relance (t)</dd>" in html


def test_template_that_was_not_read() -> None:
    """Offline the phone says that it does not know the words."""
    html = page_of(a_plan(a_change(after=a_payload(type=None, body=None), names={"templateId": "relance"})))
    assert "Its template was not read, so its words are not known here." in html
    assert "<dt>template</dt><dd>relance (not looked up)</dd>" in html


def test_unchanged_campaigns_are_only_counted() -> None:
    """Ten thousand unchanged campaigns add one sentence."""
    plan = a_plan(*(a_change(Action.NO_OP, address=Address(f"same/{number}")) for number in range(10_000)))
    html = page_of(plan)
    assert "10000 unchanged campaigns are not shown." in html
    assert "same/" not in html


def test_doubt_and_blocked_come_first() -> None:
    """The top of the page shows what waits for a person, in doubt before all."""
    blocked = a_change(Action.BLOCKED, address=Address("a"), reason=Reason.LEAD_TIME)
    doubt = a_change(Action.BLOCKED, address=Address("b"), reason=Reason.IN_DOUBT)
    html = page_of(a_plan(a_change(), blocked, doubt, diagnostics=(a_finding(),)))
    parts = (
        "2 campaigns wait for a person",
        "Needs a person (2)",
        "b is in doubt",
        "a is blocked",
        ">Warnings<",
        "What goes out when",
        "What would be",
    )
    places = [html.index(part) for part in parts]
    assert places == sorted(places)


def test_one_number_has_one_name() -> None:
    """A number that one file names and another gives by id is one choice and one lane."""
    named = a_change(address=Address("a"), names={"instanceId": "boutique"})
    html = page_of(a_plan(named, a_change(address=Address("b"))))
    assert '<option value="0">boutique</option></select>' in html
    assert f">{INSTANCE_ID}</option>" not in html


def test_media_is_a_placeholder_with_its_name() -> None:
    """A picture is shown by kind and file name, and its address is only text."""
    payload = a_payload(type="image", mediaUrl="https://cdn.example/a/l%C3%A9o.jpg?size=2")
    html = page_of(a_plan(a_change(after=payload)))
    assert "<strong>léo.jpg</strong><small>https://cdn.example/a/l%C3%A9o.jpg?size=2</small>" in html


def test_warnings_beyond_many_are_counted() -> None:
    """A flood of warnings is cut, and says so."""
    findings = tuple(a_finding(line=line) for line in range(1, MOST_WARNINGS + 4))
    assert "3 more are not shown; --format json shows them all." in page_of(a_plan(diagnostics=findings))


def test_a_month_without_requests_left_stands_out() -> None:
    """A plan that the month's requests cannot finish says so in a box."""
    html = page_of(a_plan(a_change(), requests=RequestForecast(1, 9, left_this_month=8, messages=12, messages_left=50)))
    assert re.search(r'<p class="note danger">Requests: .* only 8 left this month: an apply would stop part way', html)
    assert re.search(r'<p class="quiet">Messages: at least 12 to send, 50 left', html)


def test_preview_without_state_says_so() -> None:
    """A preview names what it cannot promise."""
    assert '<p class="note">This is a preview without a state.' in page_of(PLANS["without-state"])
