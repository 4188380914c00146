"""
Findings as workflow commands of GitHub Actions: each becomes an annotation at its line of the pull request.

The runner acts on whatever line begins with `::`, so every finding is one line, and whatever could end a property or
the line is percent-encoded: `%`, CR and LF everywhere, `:` and `,` in properties too.
Source: "Workflow commands for GitHub Actions", docs.github.com.
"""

from collections.abc import Sequence

from msgflash_apply.findings import Diagnostic
from msgflash_apply.report.diagnostics import counted_files, tally
from msgflash_apply.report.safe_text import shown

_IN_MESSAGES = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})

_IN_PROPERTIES = _IN_MESSAGES | str.maketrans({":": "%3A", ",": "%2C"})


def validation_to_github(campaigns: int, diagnostics: Sequence[Diagnostic], templates: int = 0) -> str:
    """
    Give one command per finding, in the order given, then a line for readers of the log.

    Args:
        campaigns: how many were read.
        diagnostics: errors and warnings; their severity is the command's name.
        templates: how many were read.
    """
    lines = []
    for finding in diagnostics:
        values = {"file": finding.file, "line": finding.line, "col": finding.column, "title": finding.code}
        properties = ",".join(
            f"{name}={shown(str(value)).translate(_IN_PROPERTIES)}"
            for name, value in values.items()
            if value is not None
        )
        message = [shown(finding.message)]
        if finding.address:
            message.append(f"address: {shown(finding.address)}")
        if finding.hint:
            message.append(f"hint: {shown(finding.hint)}")
        lines.append(f"::{finding.severity} {properties}::" + "\n".join(message).translate(_IN_MESSAGES))
    lines.append(f"{counted_files(campaigns, templates)} read: {tally(diagnostics) or 'nothing found'}.")
    return "\n".join(lines) + "\n"
