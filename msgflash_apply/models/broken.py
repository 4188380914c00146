"""
Which rules of its models a document breaks: pydantic's errors, placed in the document and in the models.

Where `type` names no kind, pydantic looks no further; here the map is compared with the kinds that it resembles, so
that a bad `type` hides nothing else. Read `broken_in` first; `explain.py` has the words.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import ge, gt, le
from types import UnionType
from typing import Any, Final, Literal, TypeAlias, cast

from pydantic import ValidationError

from msgflash_apply.findings import ValuePath, nearest, spell
from msgflash_apply.models.parts import AnyModel, Model
from msgflash_apply.models.shape import (
    Shape,
    fields_among,
    fields_of,
    is_needed,
    kinds_of,
    model_for,
    shape_of,
    shape_of_field,
)

Models: TypeAlias = tuple[type[Model], ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """
    One rule of a model that a document breaks.

    Attributes:
        rule: which; `form` is about the value itself, `key` about the name of an entry, `both` about two fields of
            which only one may be there: the path is that of the second.
        path: of the value; of the field where one is missing or should not be there.
        shape: what is wanted there.
        value: what is there.
        models: among which `type` chooses for the map around it.
        kind: the `type` of that map; None where nothing chooses.
    """

    rule: Literal["form", "key", "missing", "extra", "both", "no kind"]
    path: ValuePath
    shape: Shape
    value: object
    models: Models
    kind: str | None

    @property
    def name(self) -> str:
        """Of the field."""
        return str(self.path[-1])

    @property
    def field(self) -> str:
        """The place as people write it, in backticks."""
        return f"`{spell(self.path)}`" if self.path else "the document"

    @property
    def is_unknown(self) -> bool:
        """Whether it is a field that no kind has."""
        return self.rule == "extra" and self.name not in fields_among(self.models)


def broken_in(models: Models, fields: Mapping[str, object], path: ValuePath) -> Iterator[Broken]:
    """Every rule that a map breaks; where its kind is not known, those that it breaks whatever its kind."""
    model = model_for(models, fields)
    if model is not None:
        yield from _broken_by(model, models, fields, path)
        return
    typed = tuple(one for one in models if not one.chosen_by)
    kinds = tuple(kind for one in typed for kind in kinds_of(one))
    given = fields.get("type")
    if "type" in fields:
        yield Broken("form", (*path, "type"), Shape(choices=kinds), given, models, None)
    elif typed == models:
        yield Broken("missing", (*path, "type"), Shape(), None, models, None)
    else:
        yield Broken("no kind", path, Shape(), None, models, None)
    known: set[str] = set()  # fields of the kinds that were looked at: what is wrong with a value is said once
    for alike in (*by_likeness(typed, fields), *(one for one in models if one.chosen_by)):
        kind = {"type": kinds_of(alike)[0]} if alike in typed else {}
        for part in _broken_by(alike, models, {**fields, **kind}, path):
            if part.path[:-1] == path and part.rule == "missing":
                is_sure = all(is_needed(model, part.name) for model in models)
            elif part.path[:-1] == path and part.rule == "extra":
                is_direct = any(part.name in fields_of(model) for model in typed)
                is_sure = part.name not in fields_among(models) or ("type" in fields and not is_direct)
            else:
                is_sure = part.path == path or part.path[len(path)] not in known
            if is_sure:
                yield part
        known |= fields_of(alike).keys()


def by_likeness(models: tuple[type[AnyModel], ...], fields: Mapping[str, object]) -> list[type[AnyModel]]:
    """Models with a `type`, beginning with the one that a map whose type is none of theirs comes nearest to."""
    given, kinds = fields.get("type"), [kind for model in models for kind in kinds_of(model)]
    meant = nearest(given, kinds) if isinstance(given, str) else None
    return sorted(models, key=lambda one: (meant not in kinds_of(one), -len(fields.keys() & fields_of(one).keys())))


def _broken_by(model: type[Model], models: Models, fields: Mapping[str, object], path: ValuePath) -> Iterator[Broken]:
    """Every rule of one model that a map breaks: pydantic's errors, with their places in the document and the model."""
    try:
        model.model_validate(fields)
    except ValidationError as err:
        errors = err.errors(include_url=False, include_context=False, include_input=False)
    else:
        return
    place = partial(_placed, model=model, models=models, fields=fields, path=path)
    # pydantic counts the sound entries of a list, so that one with a wrong entry would also be too short.
    around = [error["loc"][:depth] for error in errors for depth in range(len(error["loc"]))]
    sized = [error["loc"] for error in errors if error["type"] in {"too_short", "too_long"}]
    lists = (place(steps) for steps in dict.fromkeys([*around, *sized]))
    yield from (part for part in lists if isinstance(part.value, list | dict) and bad_size(part) is not None)
    for error in errors:
        part = place(error["loc"])
        match error["type"]:
            case "too_short" | "too_long" | "exclusive":  # see above, and `explain`
                pass
            case "missing":
                yield replace(part, rule="missing")
            case "one_of":
                one, other = part.shape.models[0].one_of
                is_given = isinstance(part.value, dict) and one in part.value
                field = replace(part, path=(*part.path, other if is_given else one), models=part.shape.models)
                yield replace(field, rule="both" if is_given else "missing")
            case "extra_forbidden":
                yield replace(part, rule="extra")
            case "union_tag_invalid" | "union_tag_not_found":
                yield from broken_in(part.shape.models, cast("Mapping[str, object]", part.value), part.path)
            case _:
                yield part


def _placed(
    steps: Sequence[str | int], model: type[Model], models: Models, fields: Mapping[str, object], path: ValuePath
) -> Broken:
    """Follow a path of pydantic's through document and models: it also says which kind was chosen, and marks keys."""
    shape, value = Shape(models=(model,)), cast("object", fields)
    kind = str(fields["type"]) if kinds_of(model) else None
    key: object = None
    for step in steps:
        if step == "[key]" and key is not None:
            return Broken("key", path, shape_of(key), path[-1], models, kind)
        if len(shape.models) > 1:
            models, kind = shape.models, str(step)
            shape = Shape(models=tuple(one for one in models if kind in kinds_of(one)))
            continue
        path = (*path, step)
        if shape.models:
            info = fields_of(shape.models[0]).get(str(step))
            shape = shape_of_field(info) if info is not None else Shape()
            models, kind = (shape.models, None) if len(shape.models) == 1 else (models, kind)
            key = None
        else:
            key, shape = shape.key, shape_of(shape.item)
        inside = cast("Mapping[str | int, object]", value)
        value = inside.get(step) if isinstance(value, dict) else inside[step] if isinstance(value, list) else None
    return Broken("form", path, shape, value, models, kind)


SIZES: Final[Mapping[str, tuple[type | UnionType, str, Callable[[Any, Any], bool]]]] = {
    "maxLength": (str, "is {size} characters long, at most {limit} are allowed", le),
    "minItems": (list, "is empty, at least {limit} entry is needed", ge),
    "maxItems": (list, "holds {size} entries, at most {limit} are allowed", le),
    "minProperties": (dict, "is empty, at least {limit} entry is needed", ge),
    "maxProperties": (dict, "holds {size} entries, at most {limit} are allowed", le),
    "minimum": (int | float, "must be at least {limit}, not {size}", ge),
    "maximum": (int | float, "must be at most {limit}, not {size}", le),
    "exclusiveMinimum": (int | float, "must be more than {limit}, not {size}", gt),
}
"""For JSON Schema's words for sizes: of what, what is wrong, and when it is right."""


def bad_size(part: Broken) -> str | None:
    """What is wrong with the size of a value, as the rest of a sentence; None if nothing is."""
    for keyword, limit in part.shape.limits.items():
        (kind, sentence, is_met), value = SIZES[keyword], part.value
        size = len(value) if isinstance(value, str | list | dict) else value
        if isinstance(value, kind) and not is_met(size, limit):
            return sentence.format(limit=limit, size=size)
    return None
