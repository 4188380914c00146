"""
Findings as JUnit XML, which nearly every CI system shows: a file is a test case, and it fails when it holds an error.

Warnings do not fail a file: they are in its `system-out`. Several errors of a file are one `failure`, because many
readers know of no more than one.
"""

from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from msgflash_apply.findings import Diagnostic
from msgflash_apply.report.diagnostics import finding_lines, no_source, tally
from msgflash_apply.report.layout import PLAIN
from msgflash_apply.report.safe_text import shown

_NAME = "msgflash-apply validate"

_NO_FILE = "(no file)"

_WIDTH = 100


def validation_to_junit(files: Iterable[str], diagnostics: Sequence[Diagnostic]) -> str:
    """
    Give one suite with a test case per file.

    Args:
        files: those that were read, relative to the repo; files that only a finding knows are added.
        diagnostics: errors and warnings, in order.
    """
    by_file: dict[str, list[Diagnostic]] = {file: [] for file in files}
    for finding in diagnostics:
        by_file.setdefault(finding.file or _NO_FILE, []).append(finding)
    failures = sum(any(each.is_error for each in findings) for findings in by_file.values())
    counts = {"name": _NAME, "tests": str(len(by_file)), "failures": str(failures), "errors": "0"}
    root = Element("testsuites", counts)
    suite = SubElement(root, "testsuite", {**counts, "skipped": "0"})
    for file, findings in sorted(by_file.items()):
        case = SubElement(suite, "testcase", {"classname": _NAME, "name": shown(file), "file": shown(file)})
        errors = [each for each in findings if each.is_error]
        warnings = [each for each in findings if not each.is_error]
        if errors:
            message = shown(errors[0].message) if len(errors) == 1 else tally(errors)
            SubElement(case, "failure", {"message": message, "type": errors[0].code}).text = _text(errors)
        if warnings:
            SubElement(case, "system-out").text = _text(warnings)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _text(findings: Iterable[Diagnostic]) -> str:
    blocks = (finding_lines(each, paint=PLAIN, source_line=no_source, width=_WIDTH) for each in findings)
    return "\n".join("\n".join(block) for block in blocks)
