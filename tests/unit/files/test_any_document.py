"""Whatever a document holds, it ends in campaigns or in findings that can be placed."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from msgflash_apply.campaign import Address, Source
from msgflash_apply.files.expand import expand
from msgflash_apply.models.campaign_file import FIELDS
from msgflash_apply.models.explain import check
from msgflash_apply.models.project import Settings
from msgflash_apply.models.schema import GENERATED, SchemaName
from msgflash_apply.models.shape import fields_among

GOOD = {
    "name": "a",
    "schedule": "2099-01-01T00:00:00Z",
    "recipients": {"type": "tags", "value": ["a"]},
    "type": "text",
    "body": "b",
}
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(
        ["{{ custom.a }}", "{{ custom.absent }}", "{{ each.key }}", "{{", "{{contact.name}}",
         "all", "tags", "text", "url",
         "{{ {1: 2} }}", "{{ [custom.a] }}", "{{ custom }}", "{{ '\\ud800' }}", "explicit", "image", "buttons"]
    ),
)  # fmt: skip
KEYS = st.sampled_from(["type", "value", "groupId", "on_change", "displayText", "a", "<<", "\u0000"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
DOCUMENTS = st.dictionaries(st.sampled_from(sorted(FIELDS)), VALUES, max_size=6).map(lambda fields: {**GOOD, **fields})


@given(DOCUMENTS)
def test_any_document_ends_in_campaigns_or_findings(fields: dict[str, object]) -> None:
    """No value of any field raises, and a document without campaign says why."""
    settings = Settings(Path("repo"), custom_below={"a": 1})

    for one in expand(fields, Address("a"), Source("campaigns/a.yaml"), settings):
        has_errors = any(finding.is_error for finding in one.findings)
        assert (one.desired is None) == has_errors
        assert all(finding.message for finding in one.findings)


TEMPLATES = st.dictionaries(st.sampled_from(sorted(fields_among(GENERATED["template"].models))), VALUES, max_size=6)


@given(TEMPLATES.map(lambda fields: {"type": "text", "body": "{{ custom.a }} {{ local.a }}", **fields}))
def test_any_document_ends_in_templates_or_findings(fields: dict[str, object]) -> None:
    """The same of a template."""
    settings = Settings(Path("repo"), custom_below={"a": 1})

    for one in expand(fields, Address("a"), Source("templates/a.yaml"), settings, kind="template"):
        has_errors = any(finding.is_error for finding in one.findings)
        assert (one.desired is None) == has_errors
        assert all(finding.message for finding in one.findings)


@given(VALUES, st.sampled_from(list(GENERATED)))
def test_any_value_can_be_checked(value: object, name: SchemaName) -> None:
    """Every kind of file answers for any value that YAML can hold, and with reasons if it is none."""
    models = GENERATED[name].models
    found = check(value, models)

    assert not isinstance(found, tuple) or all(finding.message for finding in found)
