"""Templates in scalars: what renders, what passes through, and how each mistake is reported."""

import copy

import pytest

from msgflash_apply.files.templating import Renderer
from msgflash_apply.findings import Finding

CUSTOM: dict[str, object] = {
    "brand": "Acme",
    "count": 3,
    "price": 9.5,
    "flag": True,
    "nothing": None,
    "tags": ["vip", "paris"],
    "shop": {"city": "Paris", "items": 12},
    "people": [{"name": "Ada"}, {"name": "Bob"}],
    "items": "own",
    "eff": "f",
    "h": "f" * 4000,
    "greeting": "Hi {{contact.name}}",
}
EACH: dict[str, object] = {"key": "fr", "value": {"zone": "Europe/Paris"}}


def rendered(text: object) -> object:
    """The value of a text that must render."""
    value, problems = Renderer(CUSTOM, EACH).render(text)
    assert problems == ()
    return value


def problem(text: str, renderer: Renderer | None = None) -> Finding:
    """The only problem of a text."""
    value, problems = (renderer or Renderer(CUSTOM, EACH)).render(text)
    assert value == text
    (found,) = problems
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ custom.brand }}!", "Acme!"),
        ("{{custom.brand}}-{{ custom.count }}", "Acme-3"),
        ("{{ custom.price }} EUR", "9.5 EUR"),
        ("{{ each.key }}/{{ each.value.zone }}", "fr/Europe/Paris"),
        ("{{ custom.shop.city }}\n", "Paris\n"),
        ("{{ custom['brand'] }}.", "Acme."),
        ("{{ custom.brand | upper }}!", "ACME!"),
        ("{{ custom.absent | default('none') }}!", "none!"),
        ("{{ custom.tags | join(', ') }}.", "vip, paris."),
        ("{{ custom.people | join(' and ', attribute='name') }}.", "Ada and Bob."),
        ("{{ '%.2f' | format(custom.price) }} EUR", "9.50 EUR"),
        ("{{ 'yes' if custom.flag else 'no' }}!", "yes!"),
        ("{{ custom.flag | string }}!", "true!"),
        ("{{ custom.brand ~ custom.count }}!", "Acme3!"),
        ("{{ custom.brand[:2] }}!", "Ac!"),
        ("{{ custom.brand | replace('c', 'kk') }}!", "Akkme!"),
        ("{{ custom.price | round | int }}!", "10!"),
        ("{% if custom.count > 2 %}many{% else %}few{% endif %}", "many"),
        ("{% for t in custom.tags %}{{ loop.index }}:{{ t }} {% endfor %}", "1:vip 2:paris "),
        ("{% for k, v in custom.shop | dictsort %}{{ k }}={{ v }};{% endfor %}", "city=Paris;items=12;"),
        ("{% set n = custom.count * 2 %}{{ n }}", "6"),
        ("{% if custom.absent is defined %}a{% endif %}b", "b"),
        ("a {# not sent #}b", "a b"),
        ("{# not sent #}", ""),
        ("a {{- custom.brand -}} b", "aAcmeb"),
        ("{ {{- custom.brand }}", "{Acme"),
        ("a\r\n{{ custom.count }}\rb", "a\n3\nb"),
        ("a\r\n{{ custom.count | abs }}\rb", "a\n3\nb"),
        ("{{ custom.count }}}", "3}"),
    ],
)
def test_own_variables_render(text: str, value: str) -> None:
    """Names, filters, conditions and loops work on `custom` and `each`."""
    assert rendered(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ custom.tags }}", ["vip", "paris"]),
        ("{{custom.count}}", 3),
        ("{{ custom.flag }}", True),
        ("{{ custom.nothing }}", None),
        ("{{ custom.shop }}", {"city": "Paris", "items": 12}),
        ("{{ custom.tags | sort | unique }}", ["paris", "vip"]),
        ("{{ custom.tags | length }}", 2),
        ("{{ custom.people[1].name }}", "Bob"),
        ("{{ [custom.brand, 'x'] }}", ["Acme", "x"]),
        ("{{ {'a': custom.count} }}", {"a": 3}),
        ("{{ custom.count, 2 }}", [3, 2]),
        ("{{ custom.count > 2 }}", True),
        ("{{ custom.shop | items }}", [["city", "Paris"], ["items", 12]]),
    ],
)
def test_a_scalar_that_is_one_expression_keeps_its_type(text: str, value: object) -> None:
    """A list stays a list, null stays null; only inside a longer text is anything printed."""
    result = rendered(text)

    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "{{contact.name}}",
        "{{  contact.meta.1st_name\t}}",
        "Dear {{user.fullName}},\r\nfrom {{ instance.name }}",
        "{ not a tag } {{ contact.tags }}",
        "{",
        "}} %} #}",
    ],
)
def test_placeholders_of_msgflash_pass_through(text: str) -> None:
    """What belongs to the server, and text without any tag, is the very same text."""
    assert rendered(text) is text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{contact.name}}, {{ custom.brand }}", "{{contact.name}}, Acme"),
        ("{{  contact.name  }} {{ custom.brand | upper }}", "{{  contact.name  }} ACME"),
        ("{% if custom.flag %}{{contact.name }}{% endif %}{{ user.a.b }}", "{{contact.name }}{{ user.a.b }}"),
        ("{% for t in custom.tags %}{{ contact.x }}{% endfor %}", "{{ contact.x }}{{ contact.x }}"),
        ("{{ custom.greeting }}", "Hi {{contact.name}}"),
        ("{{ custom.greeting }}!", "Hi {{contact.name}}!"),
        ("{{ custom.greeting | upper | lower }}", "hi {{contact.name}}"),
    ],
)
def test_placeholders_survive_beside_what_renders(text: str, value: str) -> None:
    """Beside filters, in conditions and loops, and out of values, placeholders are copied as written."""
    assert rendered(text) == value


def test_entries_win_over_methods() -> None:
    """`custom.items` is the variable, never a method of a Python dict."""
    assert rendered("{{ custom.items }}") == "own"
    assert rendered("{{ custom.shop.items }}") == 12
    assert problem("{{ custom.keys }}").code == "MF203"
    assert problem("{{ custom.shop.values | upper }}").code == "MF203"


def test_a_tree_is_rendered_into_a_new_one() -> None:
    """Only what changes is copied, keys are left alone, and the given tree never changes."""
    tree = {"a": ["{{ custom.brand }}", {"b": 1}], "{{ custom.brand }}": "k", "c": {"d": "plain"}}
    before = copy.deepcopy(tree)

    value, problems = Renderer(CUSTOM).render(tree)

    assert value == {"a": ["Acme", {"b": 1}], "{{ custom.brand }}": "k", "c": {"d": "plain"}}
    assert problems == ()
    assert tree == before
    assert isinstance(value, dict)
    assert value["c"] is tree["c"]


def test_a_tree_without_braces_is_returned_itself() -> None:
    """Most campaigns cost nothing."""
    tree = {"a": [1, None, "x", {"b": True}], "c": {}}

    assert Renderer(CUSTOM).render(tree)[0] is tree


def test_a_rendered_list_is_not_shared_with_the_variables() -> None:
    """A campaign's list cannot change another's."""
    first, second = rendered("{{ custom.tags }}"), rendered("{{ custom.tags }}")

    assert first is not CUSTOM["tags"]
    assert first is not second


@pytest.mark.parametrize(
    ("text", "offset", "code", "message", "hint"),
    [
        ("{{ custom.x", 0, "MF201", "`{{` is never closed", "close it"),
        ("a {{ custom.a b }}", 2, "MF201", "not a valid template", ""),
        ("a {{ }}", 2, "MF201", "expected an expression", ""),
        ("{{{ custom.count }}}", 0, "MF201", "not a valid template", ""),
        ("a\n{% frobnicate %}", 2, "MF201", "unknown tag 'frobnicate'", ""),
        ("a {# b", 2, "MF201", "missing end of comment", ""),
        ("{% if custom.flag %}x", 0, "MF201", "unexpected end of template", ""),
        ("a {{ custm.brand }}", 2, "MF202", "nothing is called `custm`", "did you mean `custom`?"),
        ("{{ brand }}", 0, "MF202", "nothing is called `brand`", "write `custom.brand`"),
        ("{{ lipsum }}", 0, "MF202", "`lipsum`", "write `custom.lipsum`"),
        ("{% for t in tgs %}{% endfor %}", 0, "MF202", "`tgs`", ""),
        ("a {{ custom.brnad }}", 2, "MF203", "`custom.brnad` is not defined", "did you mean `brand`?"),
        ("a {{ custom.brnad | upper }}", 2, "MF203", "`custom.brnad` is not defined", "did you mean `brand`?"),
        ("{{ custom.shop.cty }}", 0, "MF203", "`custom.shop.cty` is not defined", "did you mean `city`?"),
        ("{{ custom.brand.x }}", 0, "MF203", "`custom.brand.x` is looked for in a text", "only maps"),
        ("{{ custom.flag.x }}", 0, "MF203", "in true or false", "only maps"),
        ("{{ custom.count.x }}", 0, "MF203", "in a number", "only maps"),
        ("{{ custom.tags.x | upper }}", 0, "MF203", "in a list", "only maps"),
        ("{{ custom.nope.x | default('a') }}", 0, "MF203", "`custom.nope` is not defined", ""),
        ("{{ [custom.nope] }}", 0, "MF203", "`custom.nope` is not defined", ""),
        ("a {% if custom.nope %}{% endif %}", 2, "MF203", "`custom.nope` is not defined", ""),
        ("{{ custom.nope == 1 }}", 0, "MF203", "`custom.nope` is not defined", ""),
        ("{{ custom.nope }}", 0, "MF203", "`custom.nope` is not defined", ""),
        ("a {{ contact.name | upper }}", 2, "MF204", "`contact.name` is filled in by MsgFlash", "write it alone"),
        ("{{ contact }}", 0, "MF204", "`contact` is filled in", "write it alone"),
        ("{{ user['name'] }}", 0, "MF204", "brackets in `user['name']`", "write `{{ user.name }}`"),
        ("{{- contact.name }}", 0, "MF204", "`contact.name`", "whitespace control"),
        ("{% if contact.vip %}a{% endif %}", 0, "MF204", "`contact.vip`", "condition"),
        ("{% if instance.x is defined %}a{% endif %}", 0, "MF204", "`instance.x`", "condition"),
        ("{% for c in contact.tags %}a{% endfor %}", 0, "MF204", "`contact.tags`", ""),
        ("{{ custom.brand ~ contact.name }}", 0, "MF204", "`contact.name`", ""),
        ("a {{ custom.flag }}", 2, "MF207", "true or false cannot be part of a text", "choose the words"),
        ("a {{ custom.nothing }}", 2, "MF207", "nothing (null) cannot be part", "default"),
        ("a {{ custom.tags }}", 2, "MF207", "a list cannot be part", "join"),
        ("a {{ custom.shop }}", 2, "MF207", "a map cannot be part", ""),
        ("{{ custom.tags | upper }}", 0, "MF207", "a list cannot be part", ""),
        ("{{ custom.count + custom.brand }}", 0, "MF207", "cannot be worked out", "kinds"),
        ("{{ custom.count / 0 }}", 0, "MF207", "division by zero", ""),
        ("{{ ('in' ~ custom.eff) | float }}", 0, "MF207", "a number cannot be part", ""),
        ("{{ {1: 'a', none: custom.count} }}", 0, "MF207", "nothing (null)", ""),
        ("{{ custom.brand | format('x') }}", 0, "MF207", "cannot be worked out", ""),
        ("{{ custom.count | join }}", 0, "MF207", "cannot be worked out", ""),
        ("{{1}}", 0, "MF208", "`{{1}}` is a placeholder of other tools", "write `{{ custom.name }}`"),
        ("a {{ 2 }}, b", 2, "MF208", "sent as `2`", ""),
        ("{{ 'a' ~ 'b' }}", 0, "MF208", "the same for everyone", "write the text itself"),
        ("{{ [1, 'a'] | join }}", 0, "MF208", "the same for everyone", ""),
        ("{{ true }}", 0, "MF208", "the same for everyone", ""),
        ("{% if custom.flag %}a {{ 7 }}{% endif %}", 22, "MF208", "`{{7}}`", ""),
        ("{{ contact.prénom }}", 0, "MF204", "cannot know `contact.prénom`", "contact.meta.name"),
        ("{{ contact.first-name }}", 0, "MF204", "cannot know `contact.first-name`", "{{ contact.firstName }}"),
        ("a {{ contact.first name }}", 2, "MF204", "letters a-z, digits", "{{ contact.firstName }}"),
        ("{{ contact.meta['ville'] }}", 0, "MF204", "brackets", "write `{{ contact.meta.ville }}`"),
        ("{{ contact.meta.code-postal }}", 0, "MF204", "cannot know", "contact.meta"),
        ("{% if custom.flag %}{{ user.full name }}{% endif %}", 20, "MF204", "cannot know", "{{ user.fullName }}"),
        ("{{ contact . firstName }}", 0, "MF204", "blanks", "write `{{ contact.firstName }}`"),
        ("a {{ custom.x} b", 2, "MF201", "unexpected '}'", "close it with two braces"),
        ("{% custom.x %}", 0, "MF201", "unknown tag 'custom'", "{{ custom.name }}"),
        ("{{ custom.first-name }}", 0, "MF202", "nothing is called `name`", "a `-` subtracts"),
        ("{{ custom.first name }}", 0, "MF201", "not a valid template", "no blanks"),
        ("b {{{ custom.brand }}}", 2, "MF201", "not a valid template", "two braces on each side"),
        ("b {{ custom.brand | default(“ami”) }}", 2, "MF201", "unexpected char '“'", "straight quotes"),
        ("b {{#if a}}", 2, "MF201", "unexpected char '#'", "{% if custom.name %}"),
        ("{{ custom.brand || 'x' }}", 0, "MF201", "not a valid template", "default"),
        ("{{ custom.flag && custom.count }}", 0, "MF201", "unexpected char '&'", "write `and`"),
        ("{{ custom.flag ? 'a' : 'b' }}", 0, "MF201", "unexpected char '?'", "'a' if custom.name else 'b'"),
        ("{{ !custom.flag }}", 0, "MF201", "unexpected char '!'", "write `not`"),
        ("{{ $custom }}", 0, "MF201", "unexpected char '$'", "no `$`"),
        ("{{ custom.h | int(0, 16) }}!", 0, "MF206", "thousands of digits", "smaller"),
        ("{% for c in custom.tags %}{{ loop }}{% endfor %}", None, "MF207", "cannot be part of", ""),
    ],
)
def test_mistakes_have_their_tag_a_code_and_a_way_out(
    text: str, offset: int | None, code: str, message: str, hint: str
) -> None:
    """Whatever is wrong with a template is one problem at its tag, and never an exception."""
    found = problem(text)

    assert (found.offset, found.code) == (offset, code)
    assert message in found.message
    assert hint in (found.hint or "")


def test_all_mistakes_of_a_scalar_are_told_at_once() -> None:
    """Each tag is looked at, whatever is wrong with the others."""
    text = "{{ custom.a }} {{ contact.x | upper }} {{ custom.brand }} {{ nope }}"

    _, problems = Renderer(CUSTOM).render({"body": [text]}, ("campaign",))

    assert [(p.offset, p.code) for p in problems] == [(0, "MF203"), (15, "MF204"), (58, "MF202")]
    assert {p.path for p in problems} == {("campaign", "body", 0)}


def test_all_static_mistakes_of_statements_are_told_at_once() -> None:
    """A text with conditions reports each wrong name at its place."""
    _, problems = Renderer(CUSTOM).render("{% if contact.a %}{{ x }}{% endif %}\n{{ custom.b | nope }}")

    assert [(p.offset, p.code) for p in problems] == [(0, "MF204"), (18, "MF202"), (37, "MF205")]


def test_all_tags_that_cannot_be_read_are_told_at_once() -> None:
    """One slip of the keyboard hides no other."""
    _, problems = Renderer(CUSTOM).render("{{ custom.x | default(“a”) }} {{ custom.brand }} {{#if a}}")

    assert [(p.offset, p.code, p.hint) for p in problems] == [
        (0, "MF201", "use straight quotes, ' or \""),
        (49, "MF201", "write a condition as `{% if custom.name %}..{% endif %}`"),
    ]


def test_each_is_unknown_without_for_each() -> None:
    """`each` belongs to expanded campaigns."""
    plain = Renderer({"a": 1})

    for text in ("{{ each.key }}", "{{ each.key | upper }}", "{% if each.key %}{% endif %}"):
        found = problem(text, plain)
        assert found.code == "MF203"
        assert "`for_each`" in found.message


@pytest.mark.parametrize("value", ["{{ custom.brand }}", "x {% if y %}", "{{ contact.a | upper }}", "{{ x"])
@pytest.mark.parametrize(
    "text", ["{{ custom.v }}", "a{{ custom.v }}", "{{ custom.v | lower }}", "{% if 1 %}{{ custom.v }}{% endif %}"]
)
def test_values_are_not_rendered_again(value: str, text: str) -> None:
    """A value that is a template itself is a problem wherever it is used."""
    found = problem(text, Renderer({"v": value}))

    assert found.code == "MF207"
    assert "is a template itself" in found.message


def test_a_template_in_a_list_is_found() -> None:
    """A value that keeps its type is looked through as well."""
    assert problem("{{ custom.v }}", Renderer({"v": [{"a": "{% x %}"}]})).code == "MF207"


def test_no_template_can_be_put_together_from_pieces() -> None:
    """Braces of a text and braces of a value do not become a tag."""
    found = problem("{{ custom.v }}{ custom.brand }}", Renderer({"v": "{"}))

    assert (found.code, found.offset) == ("MF207", None)


def test_an_undefined_name_without_any_variables() -> None:
    """Nothing to list where nothing is defined."""
    assert problem("{{ custom.a }}", Renderer({})).hint == "nothing is defined here"
