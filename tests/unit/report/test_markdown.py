"""The comment on a pull request shows campaign text as text, and fits whatever the plan holds."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from msgflash_apply.campaign import Address
from msgflash_apply.findings import Diagnostic, Severity
from msgflash_apply.plan.plan import Action, Plan, Reason, RequestForecast
from msgflash_apply.report.markdown import SMALLEST, marker, mistakes_to_markdown, plan_to_markdown
from msgflash_apply.report.markup_text import inert
from msgflash_apply.report.safe_text import shown
from tests.unit.report.builders import NOW, a_change, a_finding, a_payload, a_plan
from tests.unit.report.hostile import CORPUS, hostile_plan, many_changes

CANARY = "kanarienvogel"
LIMIT = 60_000
OUR_HTML = re.compile(
    r"<!-- msgflash-apply plan: (?:(?!--)[A-Za-z0-9._%-])* -->\n*"
    r"|<details(?: open)?><summary><code>[^<>]*</code></summary>\n*"
    r"|</details>\n*"
)
OUR_TOKENS = {"text", "softbreak", "code_inline", "strong_open", "strong_close", "em_open", "em_close"}
PLAIN_BLOCKS = {"paragraph", "heading", "table", "thead", "tbody", "tr", "th", "td", "blockquote"}
OUR_BLOCKS = {f"{name}_{end}" for name in PLAIN_BLOCKS for end in ("open", "close")} | {"inline", "fence", "html_block"}
UNHURRIED = settings(deadline=None)
TEXTS = st.text(st.sampled_from("`~<>|\\\n\r\t @#:[]()!&*_-=$;{}\"'/.x1é\u202e\x00") | st.characters(), max_size=60)


def shown_in(plan: Plan, limit: int = LIMIT) -> str:
    """Show a plan as a comment."""
    return plan_to_markdown(plan, now=NOW, limit=limit)


def tokens_of(markdown: str) -> Iterator[Token]:
    """Parse as GitHub would, with tables and bare links, and give every token, inner ones included."""
    for token in MarkdownIt("gfm-like", {"html": True}).parse(markdown):
        yield token
        yield from token.children or ()


def assert_only_ours(markdown: str) -> None:
    """Assert that nothing in a comment is markup but what this program always writes."""
    for token in tokens_of(markdown):
        if token.type == "html_block":
            assert OUR_HTML.fullmatch(token.content), token.content
        else:
            assert token.type in OUR_BLOCKS | OUR_TOKENS, (token.type, token.content)


@pytest.mark.parametrize("text", CORPUS.values(), ids=CORPUS)
def test_hostile_text_stays_text(text: str) -> None:
    """No text becomes a link, an image, HTML or any markup, wherever a stranger can put it."""
    markdown = shown_in(hostile_plan(text))
    assert_only_ours(markdown)


@pytest.mark.parametrize("text", CORPUS.values(), ids=CORPUS)
def test_hostile_text_is_in_code(text: str) -> None:
    """Campaign text is in code alone, where no platform looks for mentions, issues, hashes or emoji names."""
    plain = [token.content for token in tokens_of(shown_in(hostile_plan(f"{CANARY}{text}"))) if token.type == "text"]
    assert plain
    assert CANARY not in "".join(plain)


@UNHURRIED
@given(TEXTS)
@example("authorization:")
@example("x-api-key: `")
def test_any_text_stays_text(text: str) -> None:
    """The same holds for every text there is."""
    markdown = shown_in(hostile_plan(text))
    assert_only_ours(markdown)


@UNHURRIED
@given(TEXTS.filter(lambda text: text.strip() and "\n" not in text))
@example("\x80\u200c")
def test_a_line_reads_as_it_was_written(text: str) -> None:
    """A line of a body is in the comment, character by character."""
    markdown = shown_in(a_plan(a_change(after=a_payload(body=f"first\n{text}"))))
    quotes = [token.content for token in tokens_of(markdown) if token.type == "fence" and "first\n" in token.content]
    assert quotes == [f"first\n{shown(text)}\n"]


@pytest.mark.parametrize(
    "plan",
    [
        many_changes(5_000),
        many_changes(5_000, Action.BLOCKED),
        a_plan(*(a_change(address=Address(f"{number}" + "é" * 900)) for number in range(300))),
        a_plan(diagnostics=tuple(a_finding(message=f"{number} " + "wrong " * 50) for number in range(900))),
        hostile_plan("`" * 70_000),
        hostile_plan("é\u0301" * 20_000),
    ],
    ids=["creates", "blocked", "long-addresses", "warnings", "backticks", "combining"],
)
def test_never_longer_than_its_limit(plan: Plan) -> None:
    """Whatever a plan holds, the comment fits, keeps its digest, and counts what it leaves out."""
    for limit in (SMALLEST, LIMIT):
        markdown = shown_in(plan, limit)
        assert len(markdown.encode()) <= limit
        assert f"Digest: `{plan.digest}`" in markdown
        assert_only_ours(markdown)


def test_what_is_left_out_is_counted() -> None:
    """Rows shown and rows left out add up to the campaigns of the plan."""
    markdown = shown_in(many_changes(5_000))
    rows = len(re.findall(r"^\| `\+` create \|", markdown, re.MULTILINE))
    left_out = re.findall(r"^_(\d+) more campaigns are not shown; see the job's output\._$", markdown, re.MULTILINE)
    assert rows > 100
    assert rows + int(left_out[0]) == 5_000
    assert markdown.count("<details>") + int(left_out[1]) == 5_000


def test_a_message_too_long_is_named_as_such() -> None:
    """A campaign that does not fit in full is still named, with what to do about it."""
    doubt = a_change(Action.BLOCKED, reason=Reason.IN_DOUBT, id=None, after=a_payload(body="word " * 100_000))
    markdown = shown_in(a_plan(doubt), SMALLEST)
    assert "_Too long for a comment; see the job's output._" in markdown
    assert "msgflash-apply resolve promo/black-friday --not-created" in markdown


def test_doubt_and_blocked_come_first() -> None:
    """The top of the comment shows what waits for a person, in doubt before all."""
    blocked = a_change(Action.BLOCKED, address=Address("a"), reason=Reason.LEAD_TIME)
    doubt = a_change(Action.BLOCKED, address=Address("b"), reason=Reason.IN_DOUBT)
    markdown = shown_in(a_plan(blocked, doubt, a_change(), diagnostics=(a_finding(),)))
    parts = (
        "120 people",
        "2 campaigns wait",
        "### Needs",
        "in doubt:",
        "too near",
        "### Warnings",
        "### Camp",
        "### What",
    )
    places = [markdown.index(part) for part in parts]
    assert places == sorted(places)
    assert markdown.splitlines()[-1].startswith("Digest: ")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("production", "<!-- msgflash-apply plan: production -->"),
        ("pre-prod", "<!-- msgflash-apply plan: pre-prod -->"),
        ("a-->b", "<!-- msgflash-apply plan: a%2D-%3Eb -->"),
        ("ends-", "<!-- msgflash-apply plan: ends%2D -->"),
    ],
)
def test_first_line_names_the_environment(environment: str, expected: str) -> None:
    """A pipeline finds its comment by a first line that depends on the environment alone."""
    assert marker(environment) == expected
    assert shown_in(a_plan(environment=environment)).startswith(f"{expected}\n")


def test_a_month_without_requests_left_stands_out() -> None:
    """A plan that the month's requests cannot finish says so in bold."""
    markdown = shown_in(a_plan(a_change(), requests=RequestForecast(used=1, apply=9, left_this_month=8)))
    assert "only 8 left this month: an apply would stop part way.**" in markdown


def test_messages_beyond_the_month_stand_out() -> None:
    """A plan that the month's messages do not cover says so in bold."""
    forecast = RequestForecast(used=1, apply=1, messages=120, messages_left=100)
    expected = "**Messages: at least 120 to send, 100 left this month.**"
    assert expected in shown_in(a_plan(a_change(), requests=forecast))


def test_a_move_that_comes_with_another_action_is_shown() -> None:
    """A campaign that is resumed under a new address names the old one."""
    moved = a_change(Action.RESUME, previous_address=Address("promo/before"))
    assert "\nmoved from   promo/before\n" in shown_in(a_plan(moved))


def test_stacked_accents_are_cut() -> None:
    """Accents by the thousand, which would cover the lines around, are cut; those of a language are kept."""
    assert inert("e\u0301" + "x" + "\u0301" * 9) == "e\u0301x" + "\u0301" * 8 + "…"


def mistakes_in(*findings: Diagnostic, source: str = "schedule: soon", limit: int = LIMIT) -> str:
    """Show findings as a comment, every line of a file being the same."""
    return mistakes_to_markdown("production", findings, source_line=lambda _file, _line: source, limit=limit)


def test_mistakes_take_the_place_of_the_plan() -> None:
    """Under the line by which a pipeline finds the plan are place, mistake, line and hint; errors first, no digest."""
    warning = a_finding(severity=Severity.WARNING, code="MF417", message="far ahead", hint=None, file="a.yaml", line=1)
    markdown = mistakes_in(warning, a_finding())
    assert markdown.startswith(f"{marker('production')}\n\n## No plan for environment `production`\n")
    assert "**1 error, 1 warning in the files.**" in markdown
    error = "campaigns/promo/black-friday.yaml:3:11: error MF203: `schedule` is not a time\n  3 | schedule: soon\n"
    assert (
        0 < markdown.index(error) < markdown.index("hint: write it as") < markdown.index("a.yaml:1:11: warning MF417")
    )
    assert "sha256" not in markdown


@pytest.mark.parametrize("text", CORPUS.values(), ids=CORPUS)
def test_hostile_mistakes_stay_text(text: str) -> None:
    """No name of a file, no message, hint or line of it becomes markup, is outside code, or begins a line with `/`."""
    fields = {"file": f"{CANARY}{text}", "message": text, "hint": text, "address": f"{CANARY}{text}]"}
    markdown = mistakes_in(a_finding(**fields), a_finding(message=f"/merge {text}", file=None), source=f"/close {text}")
    assert_only_ours(markdown)
    assert CANARY not in "".join(token.content for token in tokens_of(markdown) if token.type == "text")
    assert not re.search(r"^\s*/", markdown, re.MULTILINE)


@pytest.mark.parametrize("limit", [SMALLEST, LIMIT])
def test_mistakes_fit_and_those_left_out_are_counted(limit: int) -> None:
    """Shown mistakes and counted ones add up, however many and long they are, and warnings have room."""
    errors = [
        a_finding(message=f"{number} " + "wrong " * 200, file="é" * 20 + f"{number}.yaml") for number in range(900)
    ]
    warnings = [a_finding(severity=Severity.WARNING, line=number) for number in range(900)]
    markdown = mistakes_in(*errors, *warnings, limit=limit)
    assert len(markdown.encode()) <= limit
    for noun in ("error", "warning"):
        [left_out] = re.findall(
            rf"^_(\d+) more {noun}s are not shown; see the job's output\._$", markdown, re.MULTILINE
        )
        assert len(re.findall(rf"^\S+: {noun} MF203", markdown, re.MULTILINE)) + int(left_out) == 900
    assert_only_ours(markdown)
