"""
What may be in a template file, in templates/: the only list of its fields. Contract section 14, reference 4.

What is not sent is as in campaigns (`campaign_file.py`).
"""

from typing import Annotated, Literal

from annotated_types import MinLen

from msgflash_apply.models.campaign_file import KEY, LABELS
from msgflash_apply.models.forms import (
    Body,
    EntryName,
    LabelName,
    LabelValue,
    Segment,
    Text,
    Url,
    VariableName,
)
from msgflash_apply.models.parts import Marked, Maybe, Several, kept, sent
from msgflash_apply.template import DEFAULT_TEMPLATE_LIFECYCLE

KIND = sent("type", "Kind of content", "Fixed once the template is created.")

BODY = sent(
    "body",
    "Text",
    "The text, or the caption of a file; up to 4096 characters. `{{contact.firstName}}` and `{{custom.code}}` are "
    "filled in by MsgFlash, `{{ local.name }}` here.",
)


class TemplateLifecycleFile(Marked):
    """What may happen to a template after its creation."""

    definition = "lifecycle"
    noun = "What may happen to a template"

    on_change: Annotated[
        Literal["version", "in_place", "block"],
        kept(
            "When the file changes",
            "`version`: make another template, which campaigns that are still to be created use. `in_place`: change "
            "the one template, and with it what campaigns say that are still to be sent. `block`: stop and ask a "
            "person.",
        ),
    ] = DEFAULT_TEMPLATE_LIFECYCLE.on_change
    on_remove: Annotated[
        Literal["keep", "delete"],
        kept(
            "When the file goes",
            "`keep`: leave the template on MsgFlash. `delete`: delete it there once no campaign uses it, if it was "
            "made from this repo.",
        ),
    ] = DEFAULT_TEMPLATE_LIFECYCLE.on_remove


class TemplateFile(Marked):
    """One message template."""

    type: Annotated[str, KIND]
    key: Annotated[Maybe[Segment], KEY] = None
    custom: Annotated[
        Maybe[dict[VariableName, object]],
        kept(
            "Variables",
            "Defaults of this template for `{{ local.name }}`. Values are not rendered.",
            is_rendered=False,
        ),
    ] = None
    for_each: Annotated[
        Maybe[Annotated[dict[EntryName, object], MinLen(1)]],
        kept(
            "One template per entry",
            "A map; `{{ each.key }}` and `{{ each.value }}` stand for the entry. The key becomes part of the address.",
        ),
    ] = None
    lifecycle: Annotated[
        Maybe[TemplateLifecycleFile], kept("Lifecycle", "What may happen to the template after its creation.")
    ] = None
    labels: Annotated[Maybe[dict[LabelName, LabelValue]], LABELS] = None
    moved_from: Annotated[
        Maybe[Several[Text]],
        kept(
            "Former addresses",
            "So that a rename makes no second template.",
            examples=[["promo/old-name"]],
        ),
    ] = None


class TextTemplate(TemplateFile):
    """A text."""

    type: Annotated[Literal["text"], KIND]
    body: Annotated[Body, BODY]


class MediaTemplate(TemplateFile):
    """A file from a public URL, with a caption or without."""

    type: Annotated[Literal["image", "video", "audio", "document"], KIND]
    media_url: Annotated[Url, sent("mediaUrl", "Media", "Public URL of the file, https.")]
    body: Annotated[Maybe[Body], BODY] = None


TEMPLATES: tuple[type[TemplateFile], ...] = (TextTemplate, MediaTemplate)
"""One class per shape of content."""
