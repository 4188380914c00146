"""
The published JSON Schemas: made from the models for campaign, template and project files, and read for the others.

Editors want one flat list of fields, so models among which `type` chooses become one object with an `if` and a `then`
per kind. They see a file before it is rendered, so a template expression may replace whatever is not a plain text.
`make docs` writes `schemas/*.json`, from where commands read them. Read `generated` first.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

from pydantic.fields import FieldInfo

from msgflash_apply.models.campaign_file import CAMPAIGNS
from msgflash_apply.models.parts import Form, Marked, Model, marks_of
from msgflash_apply.models.project import ProjectFile
from msgflash_apply.models.shape import Shape, fields_among, fields_of, is_needed, kinds_of, shape_of, shape_of_field
from msgflash_apply.models.template_file import TEMPLATES

SchemaName: TypeAlias = Literal["campaign", "template", "project", "plan", "state"]

NAMES: Final[tuple[SchemaName, ...]] = ("campaign", "template", "project", "plan", "state")

JsonSchema: TypeAlias = dict[str, object]


class _Published(NamedTuple):
    """A kind of file: its models, and what editors say about it."""

    models: tuple[type[Model], ...]
    title: str
    description: str


GENERATED: Final[Mapping[SchemaName, _Published]] = {
    "campaign": _Published(
        CAMPAIGNS, "MsgFlash campaign", "One WhatsApp campaign. Field names are those of the MsgFlash API."
    ),
    "template": _Published(
        TEMPLATES, "MsgFlash template", "One message template. Field names are those of the MsgFlash API."
    ),
    "project": _Published(
        (ProjectFile,),
        "msgflash.yaml",
        "A repo of MsgFlash campaigns. The API key and the address of MsgFlash are never in it: they come from the "
        "environment.",
    ),
}

EXPRESSION: Final[JsonSchema] = {
    "title": "A template expression",
    "description": "Rendered before anything is checked, for example `{{ custom.vip_tags }}`.",
    "type": "string",
    "pattern": "\\{[{%]",
}


def schema_text(name: SchemaName) -> str:
    """Read one schema; FileNotFoundError means that the installation is broken."""
    packaged = files("msgflash_apply").joinpath("schemas", f"{name}.schema.json")
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    checkout = Path(__file__).parents[2] / "schemas" / f"{name}.schema.json"
    return checkout.read_text(encoding="utf-8")


def generated(name: SchemaName, *, is_rendered: bool = False) -> JsonSchema:
    """
    Make the schema of a kind of file from its models.

    Args:
        name: one of `GENERATED`.
        is_rendered: of files after rendering, in which no template expression is left.
    """
    published = GENERATED[name]
    # What is marked as sent or kept becomes a payload, and is rendered before.
    writer = _Writer(allow_expressions=not is_rendered and issubclass(published.models[0], Marked))
    body = writer.object_of(published.models, ("object",))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:msgflash-apply:schema:{name}:1",
        "title": published.title,
        "description": published.description,
        **body,
        "$defs": writer.definitions,
    }


def generated_text(name: SchemaName) -> str:
    """The file of a generated schema."""
    return json.dumps(generated(name), indent=2, ensure_ascii=False) + "\n"


class _Writer:
    """Writes types as JSON Schema, and collects the definitions that they refer to."""

    def __init__(self, *, allow_expressions: bool) -> None:
        self.definitions: dict[str, JsonSchema] = {}
        self._allow_expressions = allow_expressions

    def object_of(self, models: tuple[type[Model], ...], types: Sequence[str]) -> JsonSchema:
        """Write a map with the fields of a model, or of those among which its `type` chooses."""
        fields = fields_among(models)
        kinds = tuple(kind for model in models for kind in kinds_of(model))
        properties: JsonSchema = {}
        for name, info in fields.items():
            shapes = [shape_of_field(fields_of(model)[name]) for model in models if name in fields_of(model)]
            shape = Shape(choices=kinds) if name == "type" else _common(shapes)
            properties[name] = self._field(info, shape)
        needed = [name for name in fields if all(is_needed(model, name) for model in models)]
        excluded = dict.fromkeys(pair for model in models for pair in model.exclusive)
        schema: JsonSchema = {
            "type": types[0] if len(types) == 1 else list(types),
            "additionalProperties": False,
            "required": needed,
            "properties": properties,
            "dependentSchemas": {one: {"properties": {other: False}} for one, other in excluded},
        }
        chosen = [model for model in models if model.chosen_by]
        typed = [model for model in models if not model.chosen_by]
        rules = [self._rule(kind, model, typed, properties, needed) for model in typed for kind in kinds_of(model)]
        if chosen:
            (model,) = chosen
            own = [name for name in fields_of(model) if not any(name in fields_of(other) for other in typed)]
            schema["if"] = {"anyOf": [{"required": [name]} for name in model.chosen_by]}
            schema["then"] = {"properties": {name: False for name in fields if name not in fields_of(model)}}
            schema["else"] = {
                "required": ["type"],
                "properties": {name: False for name in own if name not in model.chosen_by},
                "allOf": rules,
            }
        elif len(rules) > 1:
            schema["allOf"] = rules
        return {key: value for key, value in schema.items() if value not in ([], {})}

    def _rule(
        self, kind: str, model: type[Model], among: Sequence[type[Model]], flat: JsonSchema, needed: Sequence[str]
    ) -> JsonSchema:
        """Say what one kind needs, what it does not go with, and where it is stricter than the flat list."""
        own = fields_of(model)
        then: JsonSchema = {
            "required": [name for name, info in own.items() if info.is_required() and name not in (*needed, "type")],
            "properties": {name: False for other in among for name in fields_of(other) if name not in own}
            | {name: more for name, info in own.items() if name != "type" and (more := self._more(flat[name], info))},
        }
        if model.one_of:
            then["oneOf"] = [{"required": [name]} for name in model.one_of]
        return {
            "if": {"required": ["type"], "properties": {"type": {"const": kind}}},
            "then": {key: value for key, value in then.items() if value},
        }

    def _more(self, flat: object, info: FieldInfo) -> JsonSchema:
        """What a model says of a field beyond the flat list."""
        mine = self._bare(shape_of_field(info))
        listed = flat if isinstance(flat, dict) else {}
        known = [listed, *(one for one in listed.get("anyOf", ()) if isinstance(one, dict))]
        return {key: value for key, value in mine.items() if not any(key in one and one[key] == value for one in known)}

    def _field(self, info: FieldInfo, shape: Shape) -> JsonSchema:
        """Write a field with all that editors show."""
        extra = marks_of(info)
        default = extra.get("default", None if info.is_required() else info.default)
        about: dict[str, object] = {"title": info.title, "description": info.description, "examples": info.examples}
        about |= {"default": default} if default not in (None, ()) else {}
        value = self._bare(shape) if extra.get("rendered", True) is False else self.value_of(shape)
        return {**{key: said for key, said in about.items() if said is not None}, **value}

    def value_of(self, shape: Shape) -> JsonSchema:
        """Write a type; a template expression may replace it, where files are rendered."""
        bare = self._bare(shape)
        if not self._allow_expressions or not bare or (shape.form is not None and shape.form.is_free):
            return bare
        self.definitions.setdefault("expression", EXPRESSION)
        return {"anyOf": [{"$ref": "#/$defs/expression"}, bare]}

    def _bare(self, shape: Shape) -> JsonSchema:
        if shape.form is not None:
            return self._form(shape.form, shape.limits)
        if shape.models:
            return self._model(shape)
        schema: JsonSchema = {"enum": list(shape.choices)} if shape.choices else {}
        if shape.types:
            schema["type"] = shape.types[0] if len(shape.types) == 1 else list(shape.types)
        schema |= shape.limits
        if shape.not_offered is not None:  # editors offer what is in an `enum`
            schema = {"anyOf": [schema, {"type": "string", "pattern": f"^{shape.not_offered}$"}]}
        if shape.key is not None:
            schema["propertyNames"] = self._bare(shape_of(shape.key))
        if shape.item is not None and (item := self.value_of(shape_of(shape.item))):
            schema["additionalProperties" if shape.key is not None else "items"] = item
        return schema

    def _form(self, form: Form, limits: Mapping[str, float]) -> JsonSchema:
        types = form.types[0] if len(form.types) == 1 else list(form.types)
        definition: JsonSchema = {"title": form.title, "type": types, **form.limits, "pattern": form.pattern}
        if form.examples:
            definition["examples"] = list(form.examples)
        self.definitions[form.name] = definition
        more = {key: limit for key, limit in limits.items() if key not in form.limits}
        return {"$ref": f"#/$defs/{form.name}", **more}

    def _model(self, shape: Shape) -> JsonSchema:
        model = shape.models[0]
        if not model.definition:
            return self.object_of(shape.models, shape.types)
        if model.definition not in self.definitions:
            self.definitions[model.definition] = {}  # its place in the order
            self.definitions[model.definition] = {"title": model.noun, **self.object_of(shape.models, shape.types)}
        return {"$ref": f"#/$defs/{model.definition}"}


def _common(shapes: Sequence[Shape]) -> Shape:
    """What holds for a field in every model that has it."""
    first, *others = shapes
    if all(shape == first for shape in others):
        return first
    limits = {key: limit for key, limit in first.limits.items() if all(one.limits.get(key) == limit for one in others)}
    return Shape(first.types, limits=limits)
