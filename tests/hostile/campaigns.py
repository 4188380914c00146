"""Readers of what lies in a repo: YAML, campaigns, templates, msgflash.yaml, files of variables, and `fmt`."""

import asyncio
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgflash_apply.cli.output import source_line
from msgflash_apply.files.bounded import Exceeded, run
from msgflash_apply.files.bounded_child import File
from msgflash_apply.files.fmt import NotCanonical, canonical, field_order
from msgflash_apply.files.load import Loaded, load
from msgflash_apply.files.settings import load_each_settings, load_settings
from msgflash_apply.files.templating import Renderer
from msgflash_apply.files.yaml_tree import parse
from msgflash_apply.findings import Refused
from msgflash_apply.limits import MAX_VALUES
from msgflash_apply.models.project import Settings
from msgflash_apply.plan.plan import Plan
from msgflash_apply.plan.planner import Planner, PlanOptions
from msgflash_apply.report.diagnostics import validation_to_text
from msgflash_apply.report.github import validation_to_github
from msgflash_apply.report.html.page import plan_to_html
from msgflash_apply.report.json_ import plan_to_json, validation_to_json
from msgflash_apply.report.junit import validation_to_junit
from msgflash_apply.report.layout import PLAIN
from msgflash_apply.report.markdown import plan_to_markdown
from msgflash_apply.report.sarif import validation_to_sarif
from msgflash_apply.report.text import plan_to_text
from tests.support.builders import NOW, a_snapshot

FIELDS = field_order("campaign")
CUSTOM: Mapping[str, object] = {
    "a": "text",
    "n": 3,
    "f": 1.5,
    "yes": True,
    "nothing": None,
    "list": ["a", "b", 3],
    "numbers": list(range(300)),
    "map": {"a": {"b": "c"}, "k": [1, 2]},
    "text": "x" * 60_000,
    "open": "{{ contact.name }} {% x",
}


def read_documents(data: bytes) -> str:
    """Parse a file, place its documents, and carry its values as JSON."""
    try:
        documents = parse(data)
    except Refused as err:
        return f"{err.finding.at}: {err.finding.message}"
    for document in documents:
        assert document.place(()).line == document.line
        assert sum(1 for _ in document.scalars()) <= MAX_VALUES
        json.dumps(document.value, allow_nan=False)
    return "read"


def read_template(data: bytes) -> str:
    """Render a text with every kind of variable at hand, in a child."""
    ((_, result),) = run(_render, [File("a.yaml", data)])
    return result.what if isinstance(result, Exceeded) else str(result)


def _render(file: File) -> str:
    text = file.data.decode("utf-8", "replace")
    value, problems = Renderer(CUSTOM, {"key": "fr", "value": {"a": 1}}).render(text)
    json.dumps(value, allow_nan=False)
    assert not problems or value == text
    assert all(problem.message for problem in problems)
    return problems[0].message if problems else "read"


def read_format(data: bytes) -> str:
    """Write a file in canonical form."""
    try:
        canonical(data, FIELDS)
    except (Refused, NotCanonical) as err:
        return str(err)
    return "read"


def read_campaign(data: bytes) -> str:
    """Load a repo with one file, tell its findings in every format, and plan it."""
    with _a_repo("campaigns/a.yaml", data) as root:
        found = load(Settings(root))
        validation = _tell(found)
        if not found.has_errors:
            tell_plan(_planned(found))
    return found.diagnostics[0].message if found.has_errors else validation and "read"


def read_project(data: bytes) -> None:
    """Read msgflash.yaml."""
    with _a_repo("msgflash.yaml", data) as root:
        load_each_settings(root, environment=None, environ={})


def read_variables(data: bytes) -> None:
    """Read a file of variables, and print one of them."""
    with _a_repo("variables.yaml", data) as root:
        settings = load_settings(root, environment=None, environ={}, variable_files=[root / "variables.yaml"])
        Renderer(settings.custom_above).render("{{ custom.a }} {{ custom.b | length }}")


def tell_plan(plan: Plan) -> str:
    """Tell a plan in every format; the JSON must be JSON."""
    text = plan_to_json(plan, tool_version="1")
    json.loads(text)
    return "".join(
        (text, plan_to_text(plan, now=NOW, paint=PLAIN), plan_to_markdown(plan, now=NOW), plan_to_html(plan, now=NOW))
    )


def _tell(found: Loaded) -> str:
    count, findings = len(found.campaigns), found.diagnostics
    for text in (validation_to_json(count, findings), validation_to_sarif(findings, tool_version="1")):
        json.loads(text)
    validation_to_github(count, findings)
    validation_to_junit((campaign.source.file for campaign in found.campaigns), findings)
    return validation_to_text(count, findings, paint=PLAIN, source_line=source_line)


def _planned(found: Loaded) -> Plan:
    settings = Settings(Path())
    planner = Planner(found.campaigns, found.diagnostics, PlanOptions("default", settings.policy), None, lambda: NOW)
    return asyncio.run(planner.plan(a_snapshot()))


@contextmanager
def _a_repo(name: str, data: bytes) -> Iterator[Path]:
    """Work in a repo that holds one file."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(data)
        os.chdir(root)
        try:
            yield root
        finally:
            os.chdir(before)
