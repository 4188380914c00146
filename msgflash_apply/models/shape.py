"""
Models taken apart: the fields of a model, the kinds among which `type` chooses, and what each type takes.

For the published schema (`schema.py`) and for messages (`broken.py`, `explain.py`): whatever a model uses is both
published and explained.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Literal, NamedTuple, Union, cast, get_args, get_origin

from annotated_types import Ge, Gt, Le, MaxLen, MinLen
from pydantic.fields import FieldInfo

from msgflash_apply.models.parts import ABSENCE, AnyModel, Form, Model, NotOffered, OneOf, wire_of


class Shape(NamedTuple):
    """
    A type, taken apart.

    Attributes:
        types: JSON's names for what it takes, null included; empty where `choices` says it.
        form: of a text that has one.
        choices: every value it takes.
        not_offered: a choice besides, which is taken all the same.
        key: the type of a map's keys.
        item: the type of a list's items, or of a map's values.
        models: for a map with fields of its own; of several, its `type` chooses one.
        limits: sizes, in the words of JSON Schema.
        examples: of the field, else of the form.
    """

    types: tuple[str, ...] = ()
    form: Form | None = None
    choices: tuple[object, ...] = ()
    not_offered: str | None = None
    key: object = None
    item: object = None
    models: tuple[type[Model], ...] = ()
    limits: Mapping[str, float] = MappingProxyType({})
    examples: tuple[object, ...] = ()


_NAMES: Mapping[object, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}

_LENGTHS = {"string": ("minLength", "maxLength"), "array": ("minItems", "maxItems")}

_BOUNDS = {Ge: ("ge", "minimum"), Le: ("le", "maximum"), Gt: ("gt", "exclusiveMinimum")}


def shape_of_field(info: FieldInfo) -> Shape:
    """Take the type of a field apart."""
    shape = shape_of(info.annotation, info.metadata)
    return shape._replace(examples=tuple(info.examples)) if info.examples else shape


def shape_of(annotation: object, rules: Sequence[object] = ()) -> Shape:
    """
    Take a type apart.

    Args:
        annotation: as in a model.
        rules: what stood beside it in an `Annotated`.
    """
    if get_origin(annotation) is Annotated:
        bare, *inner = get_args(annotation)
        return shape_of(bare, [*inner, *rules])
    rules = [one for rule in rules for one in (rule.metadata if isinstance(rule, FieldInfo) else (rule,))]
    shape = _shape_of_bare(annotation, rules)
    for rule in rules:
        if isinstance(rule, NotOffered):
            choices = tuple(one for one in shape.choices if one != rule.choice)
            shape = shape._replace(choices=choices, not_offered=rule.choice)
    least, most = _LENGTHS.get(shape.types[0] if shape.types else "", ("minProperties", "maxProperties"))
    words = {MinLen: ("min_length", least), MaxLen: ("max_length", most), **_BOUNDS}
    limits = {word: getattr(rule, name) for rule in rules for kind, (name, word) in words.items() if type(rule) is kind}
    return shape._replace(limits={**shape.limits, **limits})


def _shape_of_bare(annotation: object, rules: Sequence[object]) -> Shape:
    for rule in rules:
        if isinstance(rule, Form):
            return Shape(rule.types, rule, limits=rule.limits, examples=rule.examples)
        if isinstance(rule, OneOf):
            return Shape(choices=rule.choices())
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin in {Union, UnionType}:
        return _alternatives(inside, is_absence=ABSENCE in rules)
    if origin is Literal:
        return Shape(choices=inside)
    if origin is tuple:
        return Shape(("array",), item=inside[0])
    if origin is dict:
        return Shape(("object",), key=inside[0], item=inside[1])
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return Shape(("object",), models=(annotation,))
    return Shape(() if annotation is object else (_NAMES[annotation],))


def _alternatives(types: Sequence[object], *, is_absence: bool) -> Shape:
    """Models among which `type` chooses, or one type that may be empty."""
    shapes = [shape_of(one) for one in types if one is not NoneType]
    shape = shapes[0]._replace(models=tuple(model for each in shapes for model in each.models))
    if NoneType not in types or is_absence:
        return shape
    if shape.choices:
        return shape._replace(choices=(*shape.choices, None))
    return shape._replace(types=(*shape.types, "null"))


@cache
def fields_of(model: type[Model]) -> Mapping[str, FieldInfo]:
    """The fields of a model as files spell them."""
    return {info.alias or name: info for name, info in model.model_fields.items()}


def is_needed(model: type[Model], name: str) -> bool:
    """Whether a model has a field that a file must give."""
    info = fields_of(model).get(name)
    return info is not None and info.is_required()


@cache
def kinds_of(model: type[Model]) -> tuple[str, ...]:
    """What `type` may be where it chooses this model among others; empty for one without a `type`."""
    kind = fields_of(model).get("type")
    return cast("tuple[str, ...]", shape_of_field(kind).choices) if kind is not None else ()


@cache
def fields_among(models: tuple[type[Model], ...]) -> Mapping[str, FieldInfo]:
    """
    The fields of all models among which `type` chooses, as files spell them and in the order of a file.

    Those of their common base come first, but for what is kept and follows the last one sent: a file says what goes out
    before it says how this program treats it.
    """
    if len(models) == 1:
        return fields_of(models[0])
    every = {name: info for model in models for name, info in fields_of(model).items()}
    base = next(one for one in models[0].mro() if all(issubclass(model, one) for model in models))
    common = list(fields_of(base))
    last_sent = max(index for index, name in enumerate(common) if wire_of(every[name]) is not None)
    order = dict.fromkeys([*common[: last_sent + 1], *(name for name in every if name not in common), *common])
    return {name: every[name] for name in order}


def model_for(models: tuple[type[AnyModel], ...], fields: Mapping[str, object]) -> type[AnyModel] | None:
    """The model that a map chooses: by a field that only one model has, else by its `type`; None if by neither."""
    if len(models) == 1:
        return models[0]
    for model in models:
        if any(name in fields for name in model.chosen_by):
            return model
    kind = fields.get("type")
    return next((model for model in models if kind in kinds_of(model)), None) if isinstance(kind, str) else None
