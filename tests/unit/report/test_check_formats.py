"""Findings for machines: each format is read by another project's reader of it, and nothing hostile breaks out."""

import json
import re
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
from junitparser import JUnitXml
from sarif_pydantic import Sarif  # type: ignore[import-untyped] # it ships no types

from msgflash_apply.findings import Code, Diagnostic, Severity
from msgflash_apply.report.github import validation_to_github
from msgflash_apply.report.junit import validation_to_junit
from msgflash_apply.report.sarif import validation_to_sarif
from tests.support.sarif import assert_is_sarif
from tests.unit.report.builders import a_finding

COMMAND = re.compile(r"::(?P<name>error|warning) (?P<properties>[^:\r\n]*)::(?P<message>[^\r\n]*)")
HOSTILE = (
    "::set-env name=PATH::/tmp",
    "one\r\n::error::two",
    "a,line=1:b%0A::warning::",
    "]]></failure><script>alert(1)</script>&amp;",
    "[click](https://evil.example) {0} {{ custom.x }}",
    "\x1b[31m\x00\x85\u202e\ud800\ufffe",
    '"}]}],"runs":[]',
)
WARNING = a_finding(severity=Severity.WARNING, code="MF413", hint=None)


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Read a log as the runner does: name, properties and message of each line that is a command."""
    found = []
    for line in re.split(r"\r\n|\r|\n", text):
        if line.lstrip().startswith("::"):
            match = COMMAND.fullmatch(line)
            assert match, line
            pairs = (pair.split("=", 1) for pair in match["properties"].split(","))
            found.append((match["name"], {name: unquote(value) for name, value in pairs}, unquote(match["message"])))
    return found


def elements(text: str) -> ET.Element:
    """Parse XML by the book."""
    return ET.fromstring(text.encode())  # noqa: S314 - this program wrote it


def hostile_findings() -> list[Diagnostic]:
    """Put every hostile text into every field that a stranger's file can choose."""
    return [a_finding(message=text, hint=text, file=f"campaigns/{text}.yaml", address=text) for text in HOSTILE]


def test_each_finding_is_one_workflow_command() -> None:
    """The runner learns severity, place, code, message and hint of each finding."""
    found = commands(validation_to_github(2, [a_finding(), WARNING]))

    name, properties, message = found[0]
    assert name == "error"
    assert properties == {
        "file": "campaigns/promo/black-friday.yaml",
        "line": "3",
        "col": "11",
        "title": "MF203",
    }
    assert message == "`schedule` is not a time\nhint: write it as 2026-11-27T09:00:00+01:00"
    assert found[1][0] == "warning"


def test_finding_without_place_is_a_command_too() -> None:
    """Where there is no file, only the code is given."""
    text = validation_to_github(0, [a_finding(file=None, line=None, column=None, hint=None)])
    assert commands(text) == [("error", {"title": "MF203"}, "`schedule` is not a time")]


def test_hostile_text_gives_no_command_of_its_own() -> None:
    """However a message is written, the runner sees one command per finding, at the line that was meant."""
    found = commands(validation_to_github(1, hostile_findings()))
    assert [(name, properties["line"]) for name, properties, _ in found] == [("error", "3")] * len(HOSTILE)


def test_sarif_is_sarif() -> None:
    """A log with every kind of finding fits the format, and another program's reader takes it."""
    bare = a_finding(file=None, line=None, column=None, code="MF999")
    text = validation_to_sarif([a_finding(), WARNING, bare, *hostile_findings()], tool_version="1.2.3")

    assert_is_sarif(json.loads(text))

    run = Sarif.model_validate_json(text).runs[0]
    assert run.tool.driver.version == "1.2.3"
    assert [result.rule_id for result in run.results or []][:3] == ["MF203", "MF413", "MF999"]


def test_sarif_points_at_the_place() -> None:
    """A result names rule, level, file relative to the repo, line and column in characters."""
    run = json.loads(validation_to_sarif([a_finding(file="campaigns/été 1:2.yaml")], tool_version="1"))["runs"][0]
    result = run["results"][0]
    physical = result["locations"][0]["physicalLocation"]

    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "MF203"
    assert run["columnKind"] == "unicodeCodePoints"
    assert physical["region"] == {"startLine": 3, "startColumn": 11}
    assert physical["artifactLocation"] == {"uri": "campaigns/%C3%A9t%C3%A9%201%3A2.yaml", "uriBaseId": "%SRCROOT%"}


def test_sarif_lists_every_code_with_its_meaning() -> None:
    """A dashboard learns of rules that found nothing."""
    rules = json.loads(validation_to_sarif([], tool_version="1"))["runs"][0]["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [str(code) for code in Code]
    assert rules[0]["shortDescription"]["text"] == "A file or folder cannot be read."


def test_sarif_message_holds_no_link_and_no_placeholder() -> None:
    """Plain messages can hold links and placeholders (3.11.5, 3.11.6), and a stranger's text becomes neither."""
    document = json.loads(validation_to_sarif(hostile_findings(), tool_version="1"))
    for result in document["runs"][0]["results"]:
        assert not re.search(r"\]\(|\{\d+\}", result["message"]["text"])


def test_junit_fails_the_files_with_errors() -> None:
    """A file is a test case: errors fail it, warnings are its output, and a file without findings passes."""
    text = validation_to_junit(["campaigns/good.yaml"], [a_finding(), a_finding(line=9), WARNING])

    suite = next(iter(JUnitXml.fromstring(text.encode())))

    assert (suite.tests, suite.failures, suite.errors) == (2, 1, 0)
    good, bad = sorted(suite, key=lambda case: not case.is_passed)
    assert (good.name, good.is_passed) == ("campaigns/good.yaml", True)
    assert bad.result[0].message == "2 errors"
    assert "black-friday.yaml:9:11: error MF203" in bad.result[0].text
    assert "warning MF413" in bad.system_out


def test_finding_without_file_is_a_case_of_its_own() -> None:
    """What is wrong outside any file still fails the suite."""
    root = elements(validation_to_junit([], [a_finding(file=None, line=None, column=None)]))
    assert root.attrib["failures"] == "1"
    assert [case.attrib["name"] for case in root.iter("testcase")] == ["(no file)"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_makes_no_element(text: str) -> None:
    """Whatever a message says, the XML has the elements that were meant and parses."""
    finding = a_finding(message=text, hint=text, file=f"campaigns/{text}.yaml", address=text)
    root = elements(validation_to_junit([], [finding]))
    assert [element.tag for element in root.iter()] == ["testsuites", "testsuite", "testcase", "failure"]


def test_no_key_gets_through() -> None:
    """A key that was written into a file is in none of the formats."""
    key = "msgf_live_" + "0123456789abcdef" * 4
    findings = [a_finding(message=f"unknown `{key}`", hint=key, address=key)]
    for text in (
        validation_to_github(1, findings),
        validation_to_sarif(findings, tool_version="1"),
        validation_to_junit([], findings),
    ):
        assert key not in text
