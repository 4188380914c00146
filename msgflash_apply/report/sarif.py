"""
Findings as SARIF 2.1.0, for code scanning and for editors that read it.

Every code of the program is a rule, so that dashboards know those that found nothing. Paths are relative to the repo
(`%SRCROOT%`), columns count Unicode characters, as they do in `Diagnostic`.
Source: OASIS SARIF 2.1.0 plus errata 01; the numbers below are its sections.
"""

import json
import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from msgflash_apply.findings import Code, Diagnostic
from msgflash_apply.report.safe_text import shown

SCHEMA_URI = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

PROGRAM_URI = "https://docs.msgflash.com"

_ROOT = "%SRCROOT%"

_PROJECT_FILE = "msgflash.yaml"

_INDEXES = {str(code): index for index, code in enumerate(Code)}

_LINK = re.compile(r"\](?=\()")

_PLACEHOLDER = re.compile(r"\{(?=\d+\})")


def validation_to_sarif(diagnostics: Sequence[Diagnostic], *, tool_version: str) -> str:
    """
    Give one log with one run.

    Args:
        diagnostics: errors and warnings, in order.
        tool_version: of this program.
    """
    sentences = {code: f"{code.meaning[0].upper()}{code.meaning[1:]}." for code in Code}
    driver = {
        "name": "msgflash-apply",
        "version": tool_version,
        "informationUri": PROGRAM_URI,
        "rules": [
            {
                "id": str(code),
                "name": code.name.title().replace("_", ""),
                "shortDescription": {"text": sentence},
                "help": {"text": f"{sentence} Each finding says what to write instead."},
            }
            for code, sentence in sentences.items()
        ],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the campaigns repo."}}},
        "results": [_result(finding) for finding in diagnostics],
    }
    document = {"$schema": SCHEMA_URI, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


def _result(finding: Diagnostic) -> Mapping[str, object]:
    text = ". ".join(_plain(part) for part in (finding.message, finding.hint and f"Hint: {finding.hint}") if part)
    result: dict[str, object] = {"ruleId": finding.code, "level": str(finding.severity), "message": {"text": text}}
    if finding.code in _INDEXES:
        result["ruleIndex"] = _INDEXES[finding.code]
    # Code scanning refuses a log with a result at no place, so what is in no file is in the project's. The place is a
    # relative reference (RFC 3986): a first segment with a `:` would be taken for a scheme, so it is encoded.
    uri = quote(finding.file or _PROJECT_FILE, safe="/", errors="surrogatepass")
    physical: dict[str, object] = {"artifactLocation": {"uri": uri, "uriBaseId": _ROOT}}
    if finding.line is not None:  # a column without its line says nothing (3.30.2)
        region = {"startLine": finding.line}
        physical["region"] = region if finding.column is None else {**region, "startColumn": finding.column}
    location: dict[str, object] = {"physicalLocation": physical}
    if finding.address is not None:
        location["logicalLocations"] = [{"fullyQualifiedName": shown(finding.address)}]
    return {**result, "locations": [location]}


def _plain(text: str) -> str:
    """
    A text that no viewer makes more of: `[x](y)` is a link (3.11.6), `{0}` a placeholder (3.11.5).

    Broken by a space and not by a backslash: viewers that show messages as they are, GitHub among them, stay readable,
    and those that look for links without minding backslashes find none.
    """
    return _PLACEHOLDER.sub("{ ", _LINK.sub("] ", shown(text)))
