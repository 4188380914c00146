"""The published schemas and the models accept and refuse the same documents."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator

from benchmarks.corpus import Corpus
from msgflash_apply.files.yaml_tree import parse
from msgflash_apply.findings import Refused
from msgflash_apply.models.explain import check
from msgflash_apply.models.schema import GENERATED, SchemaName, generated
from msgflash_apply.models.shape import Shape, fields_among, fields_of, shape_of, shape_of_field

FILES = Path(__file__).parents[1]
ODD = st.sampled_from(
    [
        *(None, True, False, 0, 1, 1.0, 3.0, 2.5, -1, 10**30, 1e300, [], {}, [None], {"": 1}, {"\ud83d": 1}),
        *("", " ", "\t", "\n", "\u0085", "\ufeff", "\x07", "a\nb", "a\n", "a", "\u0660", "\u00b2", "\ud83d", "{{ x }}"),
        *("x" * 101, "x" * 257, "x" * 4097, "30%", "10m", "Europe/Paris\n", "+33612345678\n", "+33 (0)612345678"),
        *("HTTPS://A", "https://a b", "https://a\ufeffb"),
    ]
)
"""What comes near the edges of the forms, and where dialects of patterns differ."""


def accepts(name: SchemaName, document: object) -> bool:
    """Whether the schema of rendered files accepts a document."""
    try:
        return _validator(name).is_valid(document)
    except UnicodeEncodeError:  # half a character: no JSON
        return False


@cache
def _validator(name: SchemaName) -> Draft202012Validator:
    return Draft202012Validator(dict(generated(name, is_rendered=True)))


def agree(name: SchemaName, document: object) -> bool:
    """Whether schema and models are of one mind; a document that both refuse counts as well."""
    return accepts(name, document) is not isinstance(check(document, GENERATED[name].models), tuple)


def values(shape: Shape) -> st.SearchStrategy[object]:
    """Values of a type, mostly good ones."""
    good: st.SearchStrategy[object]
    if shape.models:
        good = maps(shape)
    elif shape.choices:
        good = st.sampled_from(shape.choices)
    elif shape.key is not None:
        good = st.dictionaries(
            st.sampled_from(["a", "fr", "team/a", "x y", "1", ""]), values(shape_of(shape.item)), max_size=2
        )
    elif shape.item is not None:
        good = st.lists(values(shape_of(shape.item)), max_size=3)
    elif shape.form is not None:
        good = st.sampled_from([*shape.form.examples, *shape.examples, "a text"])
    else:
        good = st.sampled_from([True, 5, 1.5])
    return st.integers(0, 15).flatmap(lambda dice: good if dice else ODD)


def maps(shape: Shape) -> st.SearchStrategy[object]:
    """Maps with the fields of one of the models: all that it needs but rarely one, some others, some of other kinds."""
    every = {name: values(shape_of_field(info)) for name, info in fields_among(shape.models).items()}

    def of_one(model: type) -> st.SearchStrategy[object]:
        own = fields_of(model)
        needed = {name: values(shape_of_field(info)) for name, info in own.items() if info.is_required()}
        optional = {name: every[name] for name in own if name not in needed}
        some = st.fixed_dictionaries(needed, optional=optional)
        others = st.one_of(st.none(), st.sampled_from([*every, "x"]))
        lacks = st.one_of(st.none(), st.none(), st.sampled_from(list(needed) or ["x"]))
        return st.builds(_changed, some, others, st.sampled_from(["a", "all", "text", 3]), lacks)

    return st.sampled_from(shape.models).flatmap(of_one)


def _changed(fields: dict[str, object], more: str | None, value: object, less: str | None) -> dict[str, object]:
    changed = {**fields, more: value} if more is not None else fields
    return {name: held for name, held in changed.items() if name != less}


@pytest.mark.parametrize("name", GENERATED)
def test_on_any_document(name: SchemaName) -> None:
    """Whatever fields and values a document has, both accept it or both refuse it."""

    @settings(max_examples=300, deadline=None)
    @given(maps(Shape(models=GENERATED[name].models)))
    def agrees(document: object) -> None:
        assert agree(name, document)

    agrees()


def documents() -> Iterator[object]:
    """Every document of the example files."""
    for file in sorted([*FILES.glob("unit/files/*/*.yaml"), *FILES.glob("e2e/invalid/*/*.yaml")]):
        try:
            yield from (document.value for document in parse(file.read_bytes()))
        except Refused:
            continue


@pytest.mark.parametrize("name", GENERATED)
def test_on_every_example(name: SchemaName) -> None:
    """The example files, good and bad, are taken alike as any kind of file."""
    every = list(documents())

    assert len(every) > 40
    assert [document for document in every if not agree(name, document)] == []


def test_on_the_benchmark_corpus(tmp_path: Path) -> None:
    """So are files like those that people keep, with expressions where nothing is rendered yet."""
    Corpus(tmp_path / "campaigns", 1).write(300)
    every = [document.value for file in tmp_path.rglob("*.yaml") for document in parse(file.read_bytes())]
    accepted = [document for document in every if accepts("campaign", document)]

    assert len(accepted) > 200
    assert [document for document in every if not agree("campaign", document)] == []
    assert json.dumps(accepted)
