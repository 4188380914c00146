"""Every field of every campaign reaches the wire exactly if it is marked as sent: none is forgotten silently."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import pytest

from msgflash_apply.models.campaign_file import CAMPAIGNS, CampaignFile, TemplateCampaign
from msgflash_apply.models.parts import Marked, Maybe, Model, kept, wire_of
from msgflash_apply.models.shape import Shape, fields_of, kinds_of, shape_of, shape_of_field
from tests.unit.files.repos import loaded

NEEDS_A_LOOK_UP = {"instance": "boutique", "template": "welcome"}


def an_example(shape: Shape) -> object:
    """Make a value of a type: the last choice, which is no default, and every field of a map."""
    if shape.examples:
        return shape.examples[0]
    if shape.form is not None:
        return "a text"
    if shape.choices:
        return next(choice for choice in reversed(shape.choices) if choice is not None)
    if shape.models:
        return all_fields(shape.models[-1])
    if shape.key is not None:
        return {an_example(shape_of(shape.key)): "value"}
    if "integer" in shape.types:
        return 5
    return [an_example(shape_of(shape.item))] if shape.item is not None else True


def all_fields(model: type[Model]) -> dict[str, object]:
    """Give every field of a model a value."""
    return {
        name: an_example(shape_of_field(info))
        for name, info in fields_of(model).items()
        if name not in model.one_of[1:]  # the other one is there
    }


def needed(model: type[Model]) -> dict[str, object]:
    """Give a value to what a model needs, and to the field that chooses it."""
    values = all_fields(model)
    return {
        name: values[name]
        for name, info in fields_of(model).items()
        if info.is_required() or name in model.chosen_by[-1:]
    }


def payload_of(document: Mapping[str, object], root: Path) -> dict[str, object]:
    """Load a document from a file; what would be sent, names that wait for a look-up included."""
    result = loaded(root, {"a.yaml": json.dumps(document)})
    assert not result.has_errors, result.diagnostics
    (campaign,) = result.campaigns
    return {**campaign.payload, **campaign.names}


def optional_fields() -> Iterator[tuple[type[CampaignFile], str]]:
    """Every optional field of every content mode."""
    for model in CAMPAIGNS:
        yield from ((model, name) for name, info in fields_of(model).items() if not info.is_required())


@pytest.mark.parametrize(("model", "name"), [*optional_fields()])
def test_optional_field_reaches_the_wire_if_it_is_sent(model: type[CampaignFile], name: str, tmp_path: Path) -> None:
    """A sent field is in the payload under its name, with its value; any other leaves the payload as it is."""
    info = fields_of(model)[name]
    value = NEEDS_A_LOOK_UP.get(name, an_example(shape_of_field(info)))
    others = {other for pair in model.exclusive for other in pair if name in pair}
    without = {key: given for key, given in needed(model).items() if key not in others}

    payload = payload_of({**without, name: value}, tmp_path)

    if (wire := wire_of(info)) is None:
        assert payload == payload_of(without, tmp_path)
    else:
        assert payload[wire] == value


@pytest.mark.parametrize("model", CAMPAIGNS, ids=lambda model: model.__name__)
def test_needed_field_reaches_the_wire(model: type[CampaignFile], tmp_path: Path) -> None:
    """What a file must give is sent as it is given; the start alone has a spelling of its own."""
    document = needed(model)

    payload = payload_of(document, tmp_path)

    for name, value in document.items():
        wire = str(wire_of(fields_of(model)[name]))
        assert payload[wire] == ("2099-11-27T08:00:00.000Z" if name == "schedule" else value)


def choices() -> Iterator[tuple[type[CampaignFile], str, type[Model]]]:
    """Every kind of recipients and buttons."""
    for campaign in CAMPAIGNS:
        for name, info in fields_of(campaign).items():
            shape = shape_of_field(info)
            inner = shape if shape.models or shape.item is None else shape_of(shape.item)
            yield from ((campaign, name, kind) for kind in inner.models if kinds_of(kind) and wire_of(info))


@pytest.mark.parametrize(("campaign", "name", "kind"), [*choices()])
def test_kinds_reach_the_wire_as_they_are(
    campaign: type[CampaignFile], name: str, kind: type[Model], tmp_path: Path
) -> None:
    """Recipients and buttons of every kind are sent with all their fields."""
    value: object = all_fields(kind)
    value = [value] if isinstance(needed(campaign)[name], list) else value

    assert payload_of({**needed(campaign), name: value}, tmp_path)[name] == value


def test_a_field_without_a_mark_cannot_exist() -> None:
    """A field that says neither that it is sent nor that it is kept is a mistake of the program, found at its start."""
    with pytest.raises(TypeError, match="mark reply_to as `sent` or `kept`"):

        class _Forgetful(TemplateCampaign):
            reply_to: Maybe[str] = None

    class Careful(Marked):
        reply_to: Annotated[Maybe[str], kept("Reply to")] = None

    assert wire_of(fields_of(Careful)["reply_to"]) is None
