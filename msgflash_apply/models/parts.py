"""
What the models of files are made of: named forms of text, absence, and whether a field goes on the wire.

No field is known here. `Model` is the base of all models, `Marked` of those whose fields are `sent` or `kept`;
`shape.py` takes apart what is made of these.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, ClassVar, Literal, NamedTuple, TypeAlias, TypeVar, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, JsonValue, Strict
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticKnownError, SchemaValidator, core_schema

Item = TypeVar("Item")

JsonType: TypeAlias = Literal["string", "number", "integer", "null"]


class Model(BaseModel):
    """
    The base of all models: values are taken as they are, never converted, and an unknown field is a mistake.

    Attributes:
        definition: what the published schema calls it; empty where it is written out in place.
        noun: its title there.
        exclusive: pairs of fields, as files spell them, of which only one may be given.
        one_of: two fields, as files spell them, of which exactly one is needed.
        chosen_by: fields that choose this model among others, where no `type` does.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)

    definition: ClassVar[str] = ""
    noun: ClassVar[str] = ""
    exclusive: ClassVar[Sequence[tuple[str, str]]] = ()
    one_of: ClassVar[tuple[str, ...]] = ()
    chosen_by: ClassVar[tuple[str, ...]] = ()


AnyModel = TypeVar("AnyModel", bound=Model)


class Marked(Model):
    """The base of models that become a payload: each field says whether it goes on the wire."""

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        """Refuse a field without a mark: what is forgotten here would silently not be sent."""
        if missing := [name for name, info in cls.model_fields.items() if "wire" not in marks_of(info)]:
            raise TypeError(f"{cls.__name__}: mark {', '.join(missing)} as `sent` or `kept`")


def sent(
    wire: str, title: str, description: str = "", *, name: str | None = None, examples: Sequence[JsonValue] = ()
) -> FieldInfo:
    """
    Mark a field that goes on the wire.

    Args:
        wire: its name in the payload, and in files unless `name` says otherwise.
        title: in editors.
        description: likewise.
        name: in files.
        examples: in editors; the first one in hints, too.
    """
    return _described(title, description, examples, {"wire": wire}, name or wire)


def kept(
    title: str, description: str = "", *, examples: Sequence[JsonValue] = (), is_rendered: bool = True
) -> FieldInfo:
    """
    Mark a field that never leaves this program; see `sent`.

    Args:
        title: in editors.
        description: likewise.
        examples: likewise.
        is_rendered: a template expression may replace its value.
    """
    return _described(title, description, examples, {"wire": None, "rendered": is_rendered})


def described(
    title: str, description: str = "", default: JsonValue = None, *, examples: Sequence[JsonValue] = ()
) -> FieldInfo:
    """Describe a field of a file that is not sent; `default` is what holds without it, as a file spells it."""
    return _described(title, description, examples, {} if default is None else {"default": default})


def _described(
    title: str, description: str, examples: Sequence[JsonValue], mark: dict[str, JsonValue], alias: str | None = None
) -> FieldInfo:
    info: FieldInfo = Field(
        alias=alias,
        title=title,
        description=description or None,
        examples=list(examples) or None,
        json_schema_extra=mark,
    )
    return info


def marks_of(info: FieldInfo) -> Mapping[str, JsonValue]:
    """What `sent`, `kept` or `described` said of a field beside what pydantic knows: wire, rendered, default."""
    return info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}


def wire_of(info: FieldInfo) -> str | None:
    """The name of a marked field in the payload; None for one that is not sent."""
    return cast("str | None", marks_of(info)["wire"])


@dataclass(frozen=True, slots=True)
class _Absence:
    """Keeps None out of files: in a model it says that a field is absent, and `name:` without a value is a mistake."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return cast("core_schema.NullableSchema", handler(source))["schema"]


ABSENCE = _Absence()

Maybe = Annotated[Item | None, ABSENCE]
"""The type of an optional field; its default is None."""

Several = Annotated[tuple[Item, ...], Strict(strict=False)]
"""A list in the file."""


def whole_number(value: object) -> object:
    """Take 3.0 for 3, as JSON Schema does."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(whole_number)]


@dataclass(frozen=True, slots=True)
class OneOf:
    """A text out of a list that is complete only once all models are classes; see `Literal` for any other."""

    choices: Callable[[], tuple[str, ...]]

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Compare with the list as it is when a file is read."""

        def is_choice(text: str) -> str:
            if text not in self.choices():
                raise PydanticKnownError("literal_error", {"expected": ", ".join(self.choices())})
            return text

        return core_schema.no_info_after_validator_function(is_choice, core_schema.str_schema(strict=True))


class NotOffered(NamedTuple):
    """A choice that is taken and that no message, hint or editor offers: beside a `Literal` that has it."""

    choice: str


@dataclass(frozen=True, slots=True)
class Form:
    """
    A form of text with a name: what a field wants, as the published schema and the messages call it.

    Attributes:
        name: of its definition in the schema.
        title: the form as a noun with its article.
        pattern: in the syntax that ECMAScript and Rust share.
        examples: the first is what a hint shows.
        types: what may be there.
        is_free: a text that holds a template is of this form, too.
        most: characters.
        least: of a whole number, where one may be there.
        read: turns the text into the value of the field.
    """

    name: str
    title: str
    pattern: str
    examples: tuple[str, ...] = ()
    types: tuple[JsonType, ...] = ("string",)
    is_free: bool = False
    most: int | None = None
    least: int | None = None
    read: Callable[[str], object] | None = None

    @property
    def limits(self) -> Mapping[str, int]:
        """Sizes, in the words of JSON Schema."""
        sizes = {"maxLength": self.most, "minimum": self.least}
        return {key: size for key, size in sizes.items() if size is not None}

    def fits(self, text: str) -> bool:
        """Whether a text is of this form."""
        return _validator_of(self).isinstance_python(text)

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let pydantic check it in Rust, with a step in Python only where there is something to read."""
        text: CoreSchema = core_schema.str_schema(strict=True, pattern=self.pattern, max_length=self.most)
        if self.read is not None:
            text = core_schema.no_info_after_validator_function(self.read, text)
        if self.types == ("string",):
            return text
        integer = core_schema.int_schema(strict=True, ge=self.least)
        whole = core_schema.no_info_before_validator_function(whole_number, integer)
        real = core_schema.float_schema(strict=True, allow_inf_nan=False)
        number = core_schema.union_schema([core_schema.int_schema(strict=True), real], mode="left_to_right")
        every = {"string": text, "integer": whole, "number": number, "null": core_schema.none_schema()}
        choices: list[CoreSchema | tuple[CoreSchema, str]] = [every[name] for name in self.types]
        return core_schema.union_schema(
            choices, mode="left_to_right", custom_error_type=self.name, custom_error_message=self.title
        )


@cache
def _validator_of(form: Form) -> SchemaValidator:
    return SchemaValidator(core_schema.str_schema(pattern=form.pattern, max_length=form.most))
