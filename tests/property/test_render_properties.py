"""Rendering: what belongs to MsgFlash survives, and what is ours means what jinja2 makes of it."""

import string

from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from msgflash_apply.files.template_language import CAMPAIGNS, TEMPLATES
from msgflash_apply.files.templating import Renderer

CUSTOM: dict[str, object] = {
    "brand": "Acme",
    "n": 3,
    "price": 9.5,
    "tags": ["vip", "paris"],
    "shop": {"city": "Paris"},
    "flag": True,
    "empty": "",
}
REAL = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
STRICTER = {"MF202", "MF205", "MF206", "MF207", "MF208"}
"""Codes of what jinja2 does and this program refuses: unknown names, what is forbidden, bounds, lists, constants."""

spaces = st.text(" \t\n", max_size=3)
names = st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=8)
namespaces = st.sampled_from(["contact", "user", "instance"])
placeholders = st.builds(
    lambda before, root, path, after: "{{" + before + ".".join([root, *path]) + after + "}}",
    spaces,
    namespaces,
    st.lists(names, min_size=1, max_size=3),
    spaces,
)
harmless = st.text(st.characters(blacklist_characters="{}%#\r", blacklist_categories=["Cs"]), max_size=12)
ours = st.sampled_from(
    [
        "{{ custom.brand }}",
        "{{custom.n}}",
        "{{ custom.brand | upper }}",
        "{{ custom.tags | join }}",
        "{# c #}",
        "{{ custom.n + 2 }}",
    ]
)
fragments = st.sampled_from(
    [
        "{{", "}}", "{%", "%}", "{#", "#}", "{{-", "-}}", "{%-", "-%}", "{", "}", "{{{", "}}}", " ", "\n",
        "\r\n", "\r", "\t", " custom.brand ", " custom.n ", " custom.tags ", " custom.shop.city ",
        " custom.flag ", " custom.empty ", " custom.price ", " custom.absent ", " custom['brand'] ",
        " custom.tags[0] ", " custom ", " other ", "text", "'a'", '"{{"', " 1 ", " 2.5 ", " none ", " true ",
        " if ", " else ", " elif ", " endif ", " for ", " t ", " in ", " endfor ", " set ", "=",
        " loop.index ", " is ", " defined ", " not ", " and ", " or ", "|", " upper ", " default('d') ",
        " join ", " length ", " first ", " round ", " int ", "~", "+", "-", "*", "/", "%", "==", ">", "(", ")",
        "[", "]", ",", ":", ".", "{{ custom.brand }}", "{{ custom.n }}", "{{ custom.tags | join(', ') }}",
        "{% if custom.flag %}", "{% endif %}", "{% for t in custom.tags %}", "{{ t }}", "{% endfor %}",
        "{# note #}", "{% raw %}", "{% endraw %}",
    ]
)  # fmt: skip


def by_jinja(text: str) -> str | None:
    """What jinja2 itself makes of a text; None when it refuses."""
    try:
        return REAL.from_string(text).render(custom=CUSTOM)
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, SyntaxError, NameError):
        return None


@given(st.lists(st.one_of(harmless, placeholders), max_size=6))
def test_placeholders_of_msgflash_survive_byte_for_byte(pieces: list[str]) -> None:
    """A text of placeholders and plain characters is returned as it is."""
    text = "".join(pieces)

    assert Renderer(CUSTOM).render(text) == (text, ())


@given(st.lists(st.one_of(harmless, placeholders, ours), max_size=8), st.booleans())
def test_placeholders_survive_beside_anything_that_renders(pieces: list[str], conditional: bool) -> None:
    """However the rest is rendered, every placeholder comes out as it was written, in order."""
    text = "{% if custom.flag %}" + "".join(pieces) + "{% endif %}" if conditional else "".join(pieces)

    value, problems = Renderer(CUSTOM).render("|" + text)

    assert problems == ()
    assert CAMPAIGNS.placeholder.findall(str(value)) == CAMPAIGNS.placeholder.findall(text)


@given(st.lists(st.one_of(harmless, placeholders, ours), max_size=8), st.booleans())
def test_variables_of_campaigns_survive_in_templates(pieces: list[str], conditional: bool) -> None:
    """In a template `custom.*` is a placeholder of MsgFlash like the others, beside `local.*`, which renders."""
    plain = [piece for piece in pieces if "custom" not in piece or TEMPLATES.placeholder.fullmatch(piece)]
    text = "{{ local.a }}|" + "".join(plain)
    text = "{% if local.a %}" + text + "{% endif %}" if conditional else text

    value, problems = Renderer({"a": "x"}, None, TEMPLATES).render(text)

    assert problems == ()
    assert TEMPLATES.placeholder.findall(str(value)) == TEMPLATES.placeholder.findall(text)


@given(st.text(st.characters(blacklist_characters="{", blacklist_categories=["Cs"])))
def test_text_without_a_brace_is_untouched(text: str) -> None:
    """No brace, no work: the very same object, carriage returns and all."""
    assert Renderer(CUSTOM).render(text)[0] is text


@settings(max_examples=600, deadline=None)
@given(st.lists(fragments, max_size=14).map("".join))
def test_rendering_agrees_with_jinja2(text: str) -> None:
    """
    Where there is no placeholder of MsgFlash, a text is what jinja2 makes of it, or refused.

    Allowed to differ: a text without tags keeps its carriage returns; a text that is one expression keeps its type;
    stricter refusals, by their codes; a tag that is never closed, which jinja2 drops with what follows.
    """
    expected = by_jinja(text)
    value, problems = Renderer(CUSTOM).render(text)

    if problems:
        assert value == text
        assert expected is None or all(p.code in STRICTER or "never closed" in p.message for p in problems)
    elif not isinstance(value, str):
        assert text.lstrip().startswith("{")
        assert expected is not None
    elif value == text:
        assert expected in (text, text.replace("\r\n", "\n").replace("\r", "\n"))
    else:
        assert value == expected


@settings(max_examples=300, deadline=None)
@given(st.lists(fragments | placeholders, max_size=12).map("".join))
def test_nothing_that_looks_like_a_template_is_ever_sent(text: str) -> None:
    """What renders holds no tag but placeholders of MsgFlash, and whatever fails is a problem and no exception."""
    value, problems = Renderer(CUSTOM).render(text)

    rest = CAMPAIGNS.placeholder.sub("", value) if isinstance(value, str) else ""
    assert problems or ("{{" not in rest and "{%" not in rest)
