"""
Findings as JUnit XML, which nearly every CI system shows: a file is a test case, and it fails when it holds an error.

Warnings do not fail a file: they stand in its `system-out`. Several errors of a file are one `failure`, because many
readers know of no more than one.
"""

from collections.abc import Iterable, Mapping, Sequence
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
    _add_suite(root, by_file, {**counts, "skipped": "0"})
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _add_suite(root: Element, by_file: Mapping[str, Sequence[Diagnostic]], counts: Mapping[str, str]) -> None:
    suite = SubElement(root, "testsuite", dict(counts))
    for file in sorted(by_file):
        case = SubElement(suite, "testcase", {"classname": _NAME, "name": shown(file), "file": shown(file)})
        errors = [each for each in by_file[file] if each.is_error]
        warnings = [each for each in by_file[file] if not each.is_error]
        if errors:
            failure = SubElement(case, "failure", {"message": _headline(errors), "type": errors[0].code})
            failure.text = _told(errors)
        if warnings:
            SubElement(case, "system-out").text = _told(warnings)


def _headline(errors: Sequence[Diagnostic]) -> str:
    return shown(errors[0].message) if len(errors) == 1 else tally(errors)


def _told(findings: Iterable[Diagnostic]) -> str:
    blocks = (finding_lines(each, paint=PLAIN, source_line=no_source, width=_WIDTH) for each in findings)
    return "\n".join("\n".join(block) for block in blocks)
