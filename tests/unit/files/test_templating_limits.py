"""Hostile templates: nothing of Python is reached, and nothing takes long or grows large."""

import time

import pytest

from msgflash_apply.files.template_language import MAX_TEXT
from msgflash_apply.files.templating import Renderer

LONG = "x" * 60_000
CUSTOM: dict[str, object] = {
    "text": LONG,
    "huge": "x" * 200_000,
    "numbers": list(range(2000)),
    "shared": [LONG] * 1000,
    "count": 3,
}
LOOP = "{% for a in custom.numbers %}"


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ custom.__class__ }}",
        "{{ custom.__class__ | upper }}",
        "{{ custom['__class__'] }}",
        "{{ custom | attr('__class__') }}",
        "{{ custom.brand.__init__.__globals__ }}",
        "{{ '{0.__class__}'.format(custom) }}",
        "{{ '%s' % custom }}",
        "{{ '{0.__class__}' | format(custom) }}",
        "{{ '%(a.__class__)s' | format(a=custom) }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ lipsum.__globals__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ self.__dict__ }}",
        "{{ range(10) }}",
        "{{ dict(a=1) }}",
        "{{ namespace(a=1) }}",
        "{{ joiner }}",
        "{{ request.application }}",
        "{{ config }}",
        "{{ environment }}",
        "{{ context }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{% from 'os' import path %}",
        "{% extends 'base' %}",
        "{% block a %}{% endblock %}",
        "{% macro m() %}{% endmacro %}",
        "{% call m() %}{% endcall %}",
        "{% filter upper %}a{% endfilter %}",
        "{% set a %}b{% endset %}",
        "{% with a = 1 %}{% endwith %}",
        "{% autoescape true %}{% endautoescape %}",
        "{% raw %}{{ contact.name | upper }}{% endraw %}",
        "{% debug %}",
        "{% do 1 %}",
        "{% for contact in custom.numbers %}{{ contact }}{% endfor %}",
        "{% set custom = 1 %}",
        "{% set user = 1 %}",
        "{% for loop in custom.numbers %}{% endfor %}",
        "{% for a in custom.numbers recursive %}{{ loop(custom.numbers) }}{% endfor %}",
        "{% for a in custom.numbers %}{{ loop.cycle('a', 'b') }}{% endfor %}",
        "{% for a in custom.numbers %}{{ loop._iterable }}{% endfor %}",
        "{% for a in custom.numbers %}{{ loop.changed }}{% endfor %}",
        "{{ custom.numbers | map(attribute='__class__') | first }}",
        "{{ custom.numbers | sum(attribute='__class__') }}",
        "{{ custom.numbers | join(attribute='__class__') }}",
        "{{ custom.numbers | sort(attribute='__class__') }}",
        "{{ custom | tojson }}",
        "{{ custom | pprint }}",
        "{{ custom | xmlattr }}",
        "{{ custom.count | random }}",
        "{{ custom.count is filter }}",
        "{{ custom.text | replace(*custom.numbers) }}",
        "{{ custom.text | default(**custom) }}",
        "{{ custom.absent | d(custom.text.join) }}",
        "{% set ns.a = 1 %}",
    ],
)
def test_no_way_out_of_the_sandbox(text: str) -> None:
    """Every known escape ends in problems about the template, and the text stays as it was."""
    value, problems = Renderer(CUSTOM).render(text)

    assert value == text
    assert problems
    assert {p.code for p in problems} <= {"MF201", "MF202", "MF203", "MF204", "MF205", "MF207", "MF208"}


@pytest.mark.parametrize(
    "text",
    [
        LOOP * 2 + "x" + "{% endfor %}" * 2,
        LOOP * 8 + "x" + "{% endfor %}" * 8,
        LOOP * 25 + "x" + "{% endfor %}" * 25,
        LOOP + "y" * 1000 + "{% endfor %}",
        LOOP + "{% if custom.count %}{% endif %}" * 300 + "{% endfor %}",
        LOOP + "{% set b = custom.numbers | sort %}{% endfor %}",
        LOOP + "{{ custom.numbers[1:] | length }}{% endfor %}",
        LOOP + "{% if a in custom.shared %}{% endif %}{% endfor %}",
        "{% if custom.count %}" * 60 + "x" + "{% endif %}" * 60,
        "{% if custom.count == 1 %}" + "{% elif custom.count == 2 %}" * 900 + "{% endif %}",
        "{{ 'a' * 100000000 }}",
        "{{ 100000000 * 'a' }}",
        "{{ [1] * 100000000 }}",
        "{{ " + "(" * 2000 + "1" + ")" * 2000 + " }}",
        "{{ " + "not " * 3000 + "1 }}",
        "{{ " + "1 + " * 3000 + "1 }}",
        "{{ " + "1 + " * 60 + "1 }}",
        "{{ " + "[" * 3000 + "]" * 3000 + " }}",
        "{{ custom" + "['a']" * 3000 + " }}",
        "{{ custom.shared | join(custom.text) }}",
        "{{ custom.numbers | join(custom.text) }}",
        "{{ '" + "%(a)999s" * 5000 + "' | format(a=1) }}",
        "{{ custom.text" + " | urlencode | replace('x', '%')" * 20 + " }}",
        "{{ custom.huge | upper }}",
        "{{ custom.huge }}",
        "a{{ custom.huge }}",
        "{{ custom.text }}" * 20,
        "{{ custom.text ~ custom.text }}",
        "{{ custom.shared }}",
        "{{ custom.shared == custom.shared }}",
        "{{ 1.5 | round(1000000000) }}",
        "{{ 1e999999 }}",
        "{{ custom.count | abs }}" * 3000,
        "{{ [" + "1," * 29_000 + "] }}",
    ],
    ids=lambda text: text[:40],
)
def test_what_grows_is_bounded(text: str) -> None:
    """Loops, deep nesting and long results end soon: in one finding, or in a text that can be sent."""
    started = time.process_time()

    value, problems = Renderer(CUSTOM).render(text)

    assert time.process_time() - started < 4
    assert (value == text) is bool(problems)
    assert [p.code for p in problems] in (["MF206"], ["MF208"], [])
    assert problems or not isinstance(value, str) or len(value) <= MAX_TEXT


def test_powers_do_not_exist() -> None:
    """Nobody needs them in a message."""
    (problem,) = Renderer(CUSTOM).render("{{ custom.count ** 100 }}")[1]

    assert problem.code == "MF205"


@pytest.mark.parametrize("digits", ["9" * 10_000, "0x" + "f" * 10_000])
def test_endless_numbers_are_refused(digits: str) -> None:
    """A number that Python itself refuses to print is a problem and no exception."""
    (problem,) = Renderer(CUSTOM).render("{{ " + digits + " }}")[1]

    assert problem.code in {"MF207", "MF208"}


def test_the_search_for_a_name_is_bounded() -> None:
    """Telling where a mistake is costs no more than the mistake."""
    started = time.process_time()

    (problem,) = Renderer(CUSTOM).render("{{ '" + "a." * 20_000 + "' ~ nope }}")[1]

    assert (problem.code, problem.offset) == ("MF202", 0)
    assert time.process_time() - started < 0.5


def test_long_names_are_cut_in_messages() -> None:
    """A message stays readable whatever it quotes."""
    (problem,) = Renderer({}).render("{{ custom." + "a" * 5000 + " }}")[1]

    assert len(problem.message) == 300


def test_the_longest_text_still_renders() -> None:
    """The bound is the one that is documented."""
    renderer = Renderer({"fits": "x" * MAX_TEXT, "over": "x" * (MAX_TEXT + 1)})

    assert renderer.render("{{ custom.fits }}")[1] == ()
    assert [p.code for p in renderer.render("{{ custom.over }}")[1]] == ["MF206"]


def test_every_turn_of_usual_loops_is_within_the_budget() -> None:
    """A list of a thousand names is no bomb."""
    body = "{% if loop.first %}{{ name | upper }}{% else %}, {{ name }}{% endif %}"

    value, problems = Renderer({"names": [f"n{i}" for i in range(1000)]}).render(
        "{% for name in custom.names %}" + body + "{% endfor %}"
    )

    assert problems == ()
    assert str(value).startswith("N0, n1")
