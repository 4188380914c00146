"""Hostile templates: nothing of Python is reached, and what takes long or grows large costs no more than its child."""

import time
from typing import cast

import pytest

from msgflash_apply.files.bounded import Exceeded, run
from msgflash_apply.files.bounded_child import Bounds, File
from msgflash_apply.files.templating import Renderer
from msgflash_apply.limits import MAX_TEXT

LONG = "x" * 60_000
CUSTOM: dict[str, object] = {
    "text": LONG,
    "huge": "x" * 200_000,
    "numbers": list(range(2000)),
    "shared": [LONG] * 1000,
    "count": 3,
    "a": "a",
    "one": [1],
    "none": None,
    "digits": "f" * 4000,
    "path": "0." * 9_000 + "0",
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


TOO_LONG = "more than 65536 characters"
TOO_DEEP = "nested"
TOO_MUCH = "more memory than a template may use"
BOMBS = {
    LOOP * 2 + "x" + "{% endfor %}" * 2: TOO_LONG,
    LOOP * 8 + "x" + "{% endfor %}" * 8: TOO_LONG,
    LOOP * 25 + "x" + "{% endfor %}" * 25: TOO_DEEP,
    LOOP + "y" * 1000 + "{% endfor %}": TOO_LONG,
    "{% if custom.count %}" * 60 + "x" + "{% endif %}" * 60: TOO_DEEP,
    "{% if custom.count == 1 %}" + "{% elif custom.count == 2 %}" * 900 + "{% endif %}": "",
    "{% set a = 'xxxxxxxxxxxxxxxx' %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}": TOO_MUCH,
    "{% set a = 'xxxxxxxxxxxxxxxx' %}" + "{% set a = a + a %}" * 40 + "{{ a }}": TOO_MUCH,
    "{% set a = [1] %}" + "{% set a = a + a %}" * 40 + "{{ a | length }}": TOO_MUCH,
    "{% set a = [1] %}" + "{% set a = [a, a] %}" * 40: "",
    "{% set a = [1] %}" + "{% set a = [a, a] %}" * 14 + "{{ a }}": "a list cannot be part of a text",
    "{{ custom.a * 100000000 }}": TOO_LONG,
    "{{ 100000000 * custom.a }}": TOO_LONG,
    "{{ custom.a * 10000000000 }}": TOO_MUCH,
    "{{ custom.one * 100000000 }}": TOO_MUCH,
    "{{ " + "(" * 2000 + "1" + ")" * 2000 + " }}": TOO_DEEP,
    "{{ " + "not " * 3000 + "1 }}": TOO_DEEP,
    "{{ " + "1 + " * 3000 + "1 }}": TOO_DEEP,
    "{{ " + "1 + " * 60 + "custom.count }}": TOO_DEEP,
    "{{ " + "[" * 3000 + "]" * 3000 + " }}": TOO_DEEP,
    "{{ custom" + "['a']" * 3000 + " }}": TOO_DEEP,
    "{{ custom.text | replace('x', custom.text) }}": TOO_MUCH,
    "{{ custom.text | replace('', custom.text) }}": TOO_MUCH,
    "{{ custom.shared | join(custom.text) }}": TOO_LONG,
    "{{ custom.shared | join(custom.text * 10) }}": TOO_MUCH,
    "{{ '" + "%(a)999s" * 5000 + "' | format(a=custom.count) }}": TOO_LONG,
    "{{ '%1000000000s' | format(custom.a) }}": TOO_MUCH,
    "{{ '%*d' | format(10000000, custom.count) }}": TOO_LONG,
    "{{ custom.text" + " | urlencode | replace('x', '%')" * 20 + " }}": TOO_LONG,
    "{{ custom.huge | upper }}": TOO_LONG,
    "{{ custom.huge }}": TOO_LONG,
    "a{{ custom.huge }}": TOO_LONG,
    "{{ custom.text }}" * 20: TOO_LONG,
    "{{ custom.text ~ custom.text }}": TOO_LONG,
    "{{ custom.count + 1e999999 }}": "this number is too large",
    "{{ custom.digits | int(0, 16) }}": "thousands of digits",
    "a{{ custom.digits | int(0, 16) }}": "thousands of digits",
    "{{ [custom.digits | int(0, 16)] }}": "thousands of digits",
}
"""Templates that would grow without bounds, and what is said of them; nothing, where they end by themselves."""


def render(file: File) -> object:
    """Render a text; what a child does in these tests."""
    value, problems = Renderer(CUSTOM).render(file.data.decode())
    return [value == file.data.decode(), [(str(problem.code), problem.message) for problem in problems]]


@pytest.mark.parametrize("text", BOMBS, ids=lambda text: text[:40])
def test_bombs_are_bounded_in_size(text: str) -> None:
    """Loops, doubling, deep nesting and long results are a problem each, whatever memory they ask for."""
    ((_, result),) = run(render, [File("a.yaml", text.encode())])

    is_unchanged, problems = cast("tuple[bool, list[tuple[str, str]]]", result)
    assert bool(problems) == bool(BOMBS[text])
    if problems:
        ((code, message),) = problems
        assert is_unchanged
        assert code in {"MF206", "MF207"}
        assert BOMBS[text] in message


@pytest.mark.parametrize(
    "text",
    [
        LOOP * 5 + "{% endfor %}" * 5,
        "{% set a = 99999999999 %}" + "{% set a = a * a %}" * 40 + "{{ a }}",
        "{{ custom.text | sort(attribute=custom.path) }}",
    ],
    ids=["loops", "numbers", "path"],
)
def test_bombs_are_bounded_in_time(text: str) -> None:
    """What would take hours takes the time that a file may have, and no more."""
    ((_, result),) = run(render, [File("a.yaml", text.encode())], bounds=Bounds(cpu_seconds=1))

    assert result == Exceeded("more than 1 s of processor time")


@pytest.mark.parametrize("text", ["{{ custom.count ** 100 }}", "{{ custom.a * 10 ** 8 }}"])
def test_powers_do_not_exist(text: str) -> None:
    """Nobody needs them in a message."""
    (problem,) = Renderer(CUSTOM).render(text)[1]

    assert problem.code == "MF205"


@pytest.mark.parametrize(
    "text",
    [
        "a{{ '%s' | format(custom.numbers) }}",
        "a{{ '%(a)s' | format(a=custom.none) }}",
        "a{{ custom.numbers ~ 'x' }}",
        "a{{ custom.none ~ 'x' }}",
        "a{{ 'x' | replace('x', custom.numbers) }}",
        "a{{ [custom.none] | join }}",
        "a{{ [custom.one] | join }}",
        "a{{ custom.numbers | join(custom.none) }}",
        "a{{ custom.numbers | string }}",
        "a{{ custom.numbers | trim }}",
        "a{{ custom | urlencode }}",
        "{% if 1 %}{{ custom.numbers }}{% endif %}",
        "{% if 1 %}{{ [custom.a] }}{% endif %}",
    ],
)
def test_nothing_is_printed_as_python_would(text: str) -> None:
    """A list, a map or null inside a text is a problem, whichever filter or operator would print it."""
    (problem,) = Renderer(CUSTOM).render(text)[1]

    assert problem.code == "MF207"
    assert "cannot be part of a text" in problem.message


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
