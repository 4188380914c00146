"""
Every reader of what a stranger, a stolen state or a hostile server may have written, by name: bytes in, an ending out.

A reader goes on to use what it has read as the program would: a value that breaks the plan or a report later is no
value. It returns `read`, or the words of a refusal; whatever it raises is a defect.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from msgflash_apply.errors import MsgflashApplyError
from tests.hostile import answers, campaigns, endpoints, records

Reader: TypeAlias = Callable[[bytes], str]


def refusing(read: Callable[[bytes], object]) -> Reader:
    """Take an error of our tree for the ending that it is."""

    def ending(data: bytes) -> str:
        try:
            read(data)
        except MsgflashApplyError as err:
            return str(err)
        return "read"

    return ending


READERS: Mapping[str, Reader] = {
    "yaml": campaigns.read_documents,
    "campaign": campaigns.read_campaign,
    "template": campaigns.read_template,
    "format": campaigns.read_format,
    "project": refusing(campaigns.read_project),
    "variables": refusing(campaigns.read_variables),
    "state": refusing(records.read_document),
    "sealed-state": refusing(records.read_sealed_document),
    "journal": refusing(records.read_run),
    "sealed-journal": refusing(records.read_sealed_run),
    "recovery": refusing(records.read_recovery),
    "lock": refusing(records.read_lock),
    "envelope": refusing(records.read_envelopes),
    "plan": refusing(records.read_plan),
    "sealed-plan": refusing(records.read_sealed_plan),
    "answer": refusing(answers.read_everything),
    "endpoint": refusing(endpoints.read_each),
    "import": refusing(answers.read_adopted),
}
"""By name."""
