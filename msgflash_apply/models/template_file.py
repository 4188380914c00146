"""
What may be in a template file, in templates/: the only list of its fields. Contract section 14, reference 4.

No command reads such files yet; editors can check them by `schemas/template.schema.json`.
"""

from typing import Annotated, Literal

from msgflash_apply.models.forms import Body, Url
from msgflash_apply.models.parts import Marked, Maybe, kept, sent

KIND = sent("type", "Kind of content", "Fixed once the template is created.")

BODY = sent(
    "body",
    "Text",
    "The text, or the caption of a file; up to 4096 characters. `{{contact.firstName}}` and `{{custom.code}}` are "
    "filled in by MsgFlash, `{{ local.name }}` here.",
)


class TemplateLifecycle(Marked):
    """What may happen to a template after its creation."""

    definition = "lifecycle"
    noun = "What may happen after the creation"

    on_change: Annotated[
        Literal["version", "in_place", "block"],
        kept(
            "When the file changes",
            "`version`: make another template, which campaigns that are still to be created use. `in_place`: change "
            "the one template, and with it what campaigns say that are still to be sent. `block`: stop and ask a "
            "person.",
        ),
    ] = "version"
    on_remove: Annotated[
        Literal["keep", "delete"],
        kept(
            "When the file goes",
            "`keep`: leave the template on MsgFlash. `delete`: delete it there once no campaign uses it, if it was "
            "made from this repo.",
        ),
    ] = "keep"


class TemplateFile(Marked):
    """One message template."""

    type: Annotated[str, KIND]
    lifecycle: Annotated[
        Maybe[TemplateLifecycle], kept("Lifecycle", "What may happen to the template after its creation.")
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
