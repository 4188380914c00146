"""
`import --templates`: write a file for every template that the state does not know, and record it.

Files first, then the record: after a crash between the two, the next run records what has its file. The rules are in
operations/import_templates.py.
"""

import os
from collections.abc import Iterator, Sequence

from msgflash_apply.campaign import Address
from msgflash_apply.cli import output, wiring
from msgflash_apply.files.bounded_child import File
from msgflash_apply.files.fmt import file_text
from msgflash_apply.files.load import read_files
from msgflash_apply.models.project import Settings
from msgflash_apply.models.schema import schema_text
from msgflash_apply.operations.import_templates import (
    Placed,
    entries_for,
    fields_of_template,
    place_templates,
    unknown_templates,
)
from msgflash_apply.plan.lookup import Lookups
from msgflash_apply.report.layout import counted
from msgflash_apply.report.safe_text import shown, visible
from msgflash_apply.state.journal import Bound, Entry
from msgflash_apply.state.reading import refuse_other_server
from msgflash_apply.template import DesiredTemplate

_AT_ONCE = 200
"""Entries in one append: each template says up to 4096 characters."""


async def import_templates(settings: Settings, lock_timeout_seconds: float) -> None:
    """
    Write the files of all templates that this state does not know, and adopt them, under the lock.

    Raises:
        InvalidFiles: of the repo.
        MsgflashApplyError: a file cannot be written, or the state cannot be used.
    """
    desired = wiring.load_files(settings).templates
    with wiring.ledger_of(settings, "import", lock_timeout_seconds) as ledger:
        snapshot = ledger.snapshot
        refuse_other_server(snapshot, wiring.server())
        async with wiring.client_of(settings) as client:
            lookups = Lookups(client)
            names = {identifier: one.name for identifier, one in (await lookups.templates()).items()}
            used = await lookups.used_templates(unknown_templates(snapshot, names))

        def is_file(address: Address) -> bool:
            return any(os.path.lexists(settings.root / name) for name in _files_of(address, settings))

        found = [one for one in used.values() if one is not None]
        every = list(place_templates(found, names.values(), desired, snapshot, is_file))
        left_out = [one for one in every if not isinstance(one, Placed)]
        entries: list[Entry] = [] if snapshot.server == wiring.server() else [Bound(wiring.server())]
        done = []
        for one, text, own in _read_back([one for one in every if isinstance(one, Placed)], settings):
            if isinstance(own, str):
                left_out.append((one.template, own))
                continue
            if text is not None:
                with output.placed_anew(settings.root / own.source.file, text, root=settings.root):
                    pass
            entries += entries_for(one.template, own, wiring.now())
            how = f"as {own.source.file} says" if text is None else f"and wrote {own.source.file}"
            done.append(f"{own.address}: recorded as {visible(one.template.id)}, {how}.")
        if done:
            _place_schema(settings)
        for start in range(0, len(entries) if done else 0, _AT_ONCE):
            ledger.append(*entries[start : start + _AT_ONCE])
    for template, why in left_out:
        output.note(f"warning: template {shown(template.name)} ({visible(template.id)}) was left out: {visible(why)}")
    output.result("\n".join([*done, f"{counted(len(done), 'template')} imported."]))


def _files_of(address: Address, settings: Settings) -> tuple[str, str]:
    return f"{settings.templates}/{address}.yaml", f"{settings.templates}/{address}.yml"


def _place_schema(settings: Settings) -> None:
    """Write what the hints for editors point to, unless it is there."""
    schema = settings.root / "schemas/template.schema.json"
    if not os.path.lexists(schema):
        with output.placed_anew(schema, schema_text("template"), root=settings.root):
            output.note("wrote schemas/template.schema.json")


def _read_back(
    placed: Sequence[Placed], settings: Settings
) -> Iterator[tuple[Placed, str | None, DesiredTemplate | str]]:
    """
    Write the text of each new file, and read it as the next plan will.

    Returns:
        For each template the text of its new file, None where it has one; and what that says, or why it gets none.
    """
    texts = {_files_of(one.address, settings)[0]: _text_of(one, settings) for one in placed if one.own is None}
    files = [File(name, text.encode("utf-8", "replace"), "template") for name, text in texts.items()]
    read: dict[str, DesiredTemplate] = {}
    problems: dict[str, str] = {}
    for _, every, diagnostics in read_files(files, settings):
        read |= {one.source.file: one.desired for one in every if one.desired is not None}
        for each in diagnostics:
            if each.is_error and each.file is not None:
                problems.setdefault(each.file, each.message)
    for one in placed:
        name = _files_of(one.address, settings)[0]
        own = one.own or read.get(name)
        if own is None:
            yield one, None, problems.get(name, "its file would not be read")
        elif own.content != one.template.content:
            yield one, None, "a file would say something else"
        else:
            yield one, texts.get(name) if one.own is None else None, own


def _text_of(one: Placed, settings: Settings) -> str:
    up = "../" * (_files_of(one.address, settings)[0].count("/"))
    return file_text(
        fields_of_template(one.template),
        f"yaml-language-server: $schema={up}schemas/template.schema.json",
        # On one line, whatever it holds: what follows a line break would be part of the template.
        f"Taken over from MsgFlash: {visible(one.template.name)} ({visible(one.template.id)})",
        kind="template",
    )
