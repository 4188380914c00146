"""
What may be in a campaign file: the only list of its fields, with those that go on the wire marked and in wire order.

A file is flat, so each content mode is a class of its own that adds its fields to those of all: `CAMPAIGNS` has them.
Editors see the same list, as `schemas/campaign.schema.json`, which `schema.py` makes; hence the titles. A new field is
one line here, marked `sent` or `kept`. Contract section 2, reference 5.1.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, ClassVar, Literal, Self, TypeAlias

from annotated_types import Ge, MaxLen, MinLen
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from msgflash_apply.campaign import DEFAULT_LIFECYCLE, JsonObject, Payload
from msgflash_apply.models.forms import (
    Body,
    ContactId,
    EntryName,
    Instant,
    LabelName,
    LabelValue,
    PhoneNumber,
    Segment,
    TemplateVariable,
    Text,
    Timezone,
    Url,
    Uuid,
    VariableName,
    VariableValue,
)
from msgflash_apply.models.parts import Marked, Maybe, NotOffered, OneOf, Several, Whole, kept, sent, wire_of
from msgflash_apply.models.shape import fields_among, is_needed

AUDIENCE = sent(
    "type",
    "Kind of audience",
    "`all`: every contact. `tags`: contacts with any of the tags. `explicit`: these contacts. "
    "`group`: a MsgFlash group.",
)

VALUE = (
    "Tags or contact ids",
    "Tags for `tags`, contact ids (UUIDs, never phone numbers) for `explicit`; at least one.",
)


class Audience(Marked):
    """Who gets it; reference 5.4."""

    definition = "recipients"
    noun = "Who gets it"

    type: Annotated[str, AUDIENCE]


class All(Audience):
    """Every contact of the account."""

    type: Annotated[Literal["all"], AUDIENCE]


class Tags(Audience):
    """Contacts with any of the tags."""

    type: Annotated[Literal["tags"], AUDIENCE]
    value: Annotated[Several[Text], MinLen(1), sent("value", *VALUE)]


class Explicit(Audience):
    """Contacts by id."""

    type: Annotated[Literal["explicit"], AUDIENCE]
    value: Annotated[Several[ContactId], MinLen(1), MaxLen(10_000), sent("value", *VALUE)]


class Group(Audience):
    """The contacts of a group of MsgFlash's."""

    one_of = ("groupId", "group")

    type: Annotated[Literal["group"], AUDIENCE]
    group_id: Annotated[Maybe[Uuid], sent("groupId", "Group, by id", "UUID of a MsgFlash group, for `group`.")] = None
    group: Annotated[
        Maybe[Text],
        sent(
            "groupId",
            "Group, by name",
            "Name of a MsgFlash group, or its UUID, for `group`; instead of `groupId`.",
            name="group",
            examples=["early-birds"],
        ),
    ] = None

    @model_validator(mode="after")
    def _one_group(self) -> Self:
        if (self.group is None) is (self.group_id is None):
            raise PydanticCustomError("one_of", "`groupId` and `group`")
        return self


Recipients: TypeAlias = Annotated[All | Tags | Explicit | Group, Field(discriminator="type")]

PRESS = sent("type", "Kind", "What the button does. A campaign calls it `type`; it is not the `title` of the message.")


class Button(Marked):
    """What all buttons have; reference 5.5."""

    definition = "button"
    noun = "A button"

    type: Annotated[str, PRESS]
    display_text: Annotated[
        Text, sent("displayText", "Text on the button", "Up to 50 characters are known to be shown.")
    ]


class ReplyButton(Button):
    """Answers with its id."""

    type: Annotated[Literal["reply"], PRESS]
    id: Annotated[Text, sent("id", "Reply id", "What comes back when a `reply` button is pressed.")]


class CopyButton(Button):
    """Copies a code."""

    type: Annotated[Literal["copy"], PRESS]
    copy_code: Annotated[Text, sent("copyCode", "Code to copy", "For `copy`.")]


class UrlButton(Button):
    """Opens a page."""

    type: Annotated[Literal["url"], PRESS]
    url: Annotated[Url, sent("url", "Link", "For `url`: an absolute http or https URL.")]


class CallButton(Button):
    """Calls a number."""

    type: Annotated[Literal["call"], PRESS]
    phone_number: Annotated[
        PhoneNumber,
        sent(
            "phoneNumber",
            "Number to call",
            "For `call`, `+` and 7 to 15 digits with the country code; in quotes, or YAML reads a number.",
        ),
    ]


class PixButton(Button):
    """Pays by pix."""

    type: Annotated[Literal["pix"], PRESS]
    currency: Annotated[Text, sent("currency", "Currency", "For `pix`.", examples=["BRL"])]
    name: Annotated[Text, sent("name", "Name of the receiver", "For `pix`.")]
    key_type: Annotated[Text, sent("keyType", "Kind of pix key", "For `pix`.")]
    key: Annotated[Text, sent("key", "Pix key", "For `pix`.")]


AnyButton: TypeAlias = Annotated[
    ReplyButton | CopyButton | UrlButton | CallButton | PixButton, Field(discriminator="type")
]


class AudienceFile(Marked):
    """What the audience may be."""

    definition = "audience"
    noun = "What the audience may be"

    max: Annotated[
        Annotated[Whole, Ge(0)],
        kept(
            "Most recipients", "The create is blocked when more people would receive it, or if they were not counted."
        ),
    ]


FieldName: TypeAlias = Annotated[str, OneOf(lambda: tuple(WIRE_NAMES))]


class LifecycleFile(Marked):
    """What may happen to a campaign after its creation."""

    definition = "lifecycle"
    noun = "What may happen after the creation"

    on_change: Annotated[
        Literal["block", "replace", "ignore"],
        kept(
            "When the file changes",
            "A campaign cannot be changed once created. `block`: stop and ask a person. `replace`: pause it and create "
            "another, only while nothing was sent. `ignore`: leave it.",
        ),
    ] = DEFAULT_LIFECYCLE.on_change
    on_remove: Annotated[
        Literal["pause", "keep"],
        kept("When the file goes", "`pause`: pause the campaign and keep its record as retired. `keep`: let it run."),
    ] = DEFAULT_LIFECYCLE.on_remove
    ignore_changes: Annotated[
        Several[FieldName], kept("Fields whose changes do not count", "Names of fields of this file.")
    ] = ()


KEY = kept(
    "Last segment of the address",
    "Needed where a file holds several documents. It is not rendered: an address must not depend on a variable.",
    is_rendered=False,
)

LABELS = kept("Labels", "For selecting and reports; never sent.")


class CampaignFile(Marked):
    """One WhatsApp campaign. Field names are those of the MsgFlash API."""

    exclusive: ClassVar[Sequence[tuple[str, str]]] = (("instance", "instanceId"),)

    instance: Annotated[
        Maybe[Text],
        sent(
            "instanceId",
            "Sending number, by name",
            "Name or WhatsApp number of a MsgFlash instance, or its UUID. Without it the default of msgflash.yaml "
            "holds, else the account's only connected instance.",
            name="instance",
            examples=["boutique-principale", "+33612345678"],
        ),
    ] = None
    instance_id: Annotated[
        Maybe[Uuid], sent("instanceId", "Sending number, by id", "UUID of a MsgFlash instance; instead of `instance`.")
    ] = None
    name: Annotated[
        Annotated[Text, MaxLen(100)],
        sent("name", "Name", "Internal label of the campaign, 1 to 100 characters after rendering."),
    ]
    schedule: Annotated[
        Instant,
        sent(
            "schedule",
            "Start",
            "ISO 8601 with an offset, or a local time together with `timezone`.",
            examples=["2099-11-27T09:00:00+01:00", "2099-11-27T09:00:00"],
        ),
    ]
    timezone: Annotated[
        Maybe[Timezone], kept("Time zone", "IANA name, for a local `schedule` and for showing the start.")
    ] = None
    repeat: Annotated[
        Literal["none", "noe", "daily", "weekly"] | None,
        NotOffered("noe"),  # a slip in the vendor's own pages: reference 5.3
        sent(
            "repeat",
            "Repetition",
            "Left out means once. MsgFlash does not document when a repeating campaign ends.",
        ),
    ] = None
    recipients: Annotated[Recipients, sent("recipients", "Who gets it", "Exactly one kind of audience.")]
    audience: Annotated[
        Maybe[AudienceFile], kept("Limit of the audience", "Checked whenever a plan counts the recipients.")
    ] = None
    key: Annotated[Maybe[Segment], KEY] = None
    custom: Annotated[
        Maybe[dict[VariableName, object]],
        kept(
            "Variables",
            "Defaults of this campaign for `{{ custom.name }}`. Values are not rendered.",
            is_rendered=False,
        ),
    ] = None
    for_each: Annotated[
        Maybe[Annotated[dict[EntryName, object], MinLen(1)]],
        kept(
            "One campaign per entry",
            "A map; `{{ each.key }}` and `{{ each.value }}` stand for the entry. The key becomes part of the address.",
        ),
    ] = None
    paused: Annotated[
        Maybe[bool], kept("Paused", "`true` and `false` are orders; left out means: as people left it.")
    ] = None
    lifecycle: Annotated[
        Maybe[LifecycleFile], kept("Lifecycle", "What may happen to the campaign after its creation.")
    ] = None
    labels: Annotated[Maybe[dict[LabelName, LabelValue]], LABELS] = None
    moved_from: Annotated[
        Maybe[Several[Text]],
        kept("Former addresses", "So that a rename is never a second mailing.", examples=[["promo/old-name"]]),
    ] = None

    @model_validator(mode="after")
    def _excluded(self) -> Self:
        """Refuse two fields that exclude each other; the words are in `explain.py`."""
        if self.instance is not None and self.instance_id is not None:
            raise PydanticCustomError("exclusive", "`instance` and `instanceId`")
        return self


class TemplateCampaign(CampaignFile):
    """The message is a template of MsgFlash's."""

    exclusive = (*CampaignFile.exclusive, ("template", "templateId"))
    chosen_by = ("template", "templateId")

    template: Annotated[
        Maybe[Text],
        sent(
            "templateId",
            "Template, by address or name",
            "Address of a template of this repo; else the name of a MsgFlash template, or its UUID.",
            name="template",
            examples=["welcome"],
        ),
    ] = None
    template_id: Annotated[
        Maybe[Uuid], sent("templateId", "Template, by id", "UUID of a MsgFlash template; instead of `template`.")
    ] = None
    variables: Annotated[
        Maybe[dict[TemplateVariable, VariableValue]],
        sent(
            "variables",
            "Template variables",
            "Values for the template's `custom.*` placeholders: a flat map, names without `custom.`, texts or numbers.",
        ),
    ] = None

    @model_validator(mode="after")
    def _one_template(self) -> Self:
        if (self.template is None) is (self.template_id is None):
            raise PydanticCustomError("exclusive", "`template` and `templateId`")
        return self


KIND = sent("type", "Kind of direct content", "Direct mode: the message is written here instead of in a template.")

BODY = sent("body", "Text", "The text, or the caption of an image, a video or a document; up to 4096 characters.")


class DirectCampaign(CampaignFile):
    """The message is written here."""

    type: Annotated[str, KIND]


class TextCampaign(DirectCampaign):
    """A text."""

    type: Annotated[Literal["text"], KIND]
    body: Annotated[Body, BODY]


class MediaCampaign(DirectCampaign):
    """A file from a public URL, with a caption or without."""

    type: Annotated[Literal["image", "video", "audio", "document", "voice_note"], KIND]
    body: Annotated[Maybe[Body], BODY] = None
    media_url: Annotated[Url, sent("mediaUrl", "Media", "Public URL of the file, https.")]


class ButtonsCampaign(DirectCampaign):
    """A text with one or two buttons."""

    type: Annotated[Literal["buttons"], KIND]
    title: Annotated[Text, sent("title", "Title", "For `buttons`.")]
    description: Annotated[Text, sent("description", "Description", "For `buttons`.")]
    footer: Annotated[Maybe[Text], sent("footer", "Footer", "For `buttons`.")] = None
    buttons: Annotated[Several[AnyButton], MinLen(1), MaxLen(2), sent("buttons", "Buttons", "One or two.")]


CAMPAIGNS: tuple[type[CampaignFile], ...] = (TemplateCampaign, TextCampaign, MediaCampaign, ButtonsCampaign)
"""One class per content mode."""

FIELDS = fields_among(CAMPAIGNS)
"""Every field of a campaign file, in the order of a file."""

WIRE_NAMES: Mapping[str, str] = {name: wire for name, info in FIELDS.items() if (wire := wire_of(info)) is not None}
"""Fields of the file that go on the wire, in the API's order (reference 5.1), and what they are called there."""

WIRE_ORDER = tuple(dict.fromkeys(WIRE_NAMES.values()))
"""The fields of a payload, in the API's order."""

NEEDED = ("instanceId", *(WIRE_NAMES[name] for name in WIRE_NAMES if is_needed(CampaignFile, name)))
"""Of these, what every payload has: where a file gives no instance, the default is used."""


@cache
def _sent_attributes(model: type[Marked]) -> Sequence[tuple[str, str]]:
    every = ((name, wire_of(info)) for name, info in model.model_fields.items())
    return [(name, wire) for name, wire in every if wire is not None]


def wire_values(model: Marked) -> Iterator[tuple[str, object]]:
    """What a model says on the wire, in its order: the fields that are sent and not absent, as plain JSON."""
    given = model.model_fields_set
    for name, wire in _sent_attributes(type(model)):
        if name in given and (value := getattr(model, name)) is not None:
            yield wire, _plain(value)


_NO_CONTENT = frozenset({"templateId", *(wire for _, wire in _sent_attributes(CampaignFile))})

DIRECT_CONTENT = frozenset(WIRE_ORDER) - _NO_CONTENT - {"variables"}
"""The fields of a payload that only direct content has."""


def content_of(file: Marked) -> Iterator[tuple[str, object]]:
    """What people read: content, or the variables of a template, by the name in file and payload; as JSON."""
    for name, wire in _sent_attributes(type(file)):
        if wire not in _NO_CONTENT and (value := getattr(file, name, None)) is not None:
            yield wire, _plain(value)


def _plain(value: object) -> object:
    if type(value) is str:  # most are
        return value
    if isinstance(value, Marked):
        return dict(wire_values(value))
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def in_order(fields: JsonObject) -> Payload:
    """Put a payload's fields in the API's order."""
    return {name: fields[name] for name in WIRE_ORDER if name in fields}
