"""
A document against its models: a typed value, or every mistake. Read `check` first.

A good document passes pydantic once; what is wrong with another is worked out in `explain.py`. What a model cannot say
is checked on the typed campaign, in `meaning.py`.
"""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from msgflash_apply.findings import Finding
from msgflash_apply.models.broken import by_likeness
from msgflash_apply.models.campaign_file import CAMPAIGNS, CampaignFile
from msgflash_apply.models.explain import Written, explain, not_known
from msgflash_apply.models.parts import AnyModel, Model
from msgflash_apply.models.shape import fields_of, model_for


def check(
    document: object, models: tuple[type[AnyModel], ...], written: Written = not_known
) -> AnyModel | tuple[Finding, ...]:
    """
    Read a document.

    Args:
        document: after rendering: dicts, lists, texts, numbers, booleans, None.
        models: those of its kind of file: `CAMPAIGNS`, `TEMPLATES`, or `ProjectFile` alone.
        written: the source text of an unquoted value, for hints that quote it.

    Returns:
        What it says; or one finding per mistake, in no special order. Of a campaign they may be none, where all that
        is wrong is the form of `schedule` or `timezone`, which is explained where these are read.
    """
    model = model_for(models, document) if isinstance(document, dict) else None
    try:
        if model is not None:
            return model.model_validate(document)
    except ValidationError:
        pass
    return explain(document, models, written)


def get_ready(models: tuple[type[Model], ...]) -> None:
    """Build what checking needs, once for all children of this process: pydantic would do it in each."""
    for model in models:
        model.model_rebuild()


def sound_part(fields: Mapping[str, object], broken: Collection[object]) -> CampaignFile:
    """
    Read what can be used of a campaign with mistakes, so that it can be checked for what it means.

    Args:
        fields: the document after rendering.
        broken: names of fields that have a mistake.

    Returns:
        A campaign that has only the sound fields, which `model_fields_set` names; even required ones may be missing.
    """
    typed = tuple(one for one in CAMPAIGNS if not one.chosen_by)
    model = model_for(CAMPAIGNS, fields) or by_likeness(typed, fields)[0]
    values: dict[str, Any] = {}
    for name in fields_of(model).keys() & fields.keys() - broken:
        try:
            values[name] = _adapter(model, name).validate_python(fields[name])
        except ValidationError:
            if isinstance(fields[name], str):  # its form is explained where it is read
                values[name] = fields[name]
    return model.model_construct(**values)


@cache
def _adapter(model: type[Model], name: str) -> TypeAdapter[object]:
    return TypeAdapter(fields_of(model)[name].rebuild_annotation())
