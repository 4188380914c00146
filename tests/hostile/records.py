"""
Readers of what the program wrote down itself and somebody may have altered: states, journals, locks, plans.

A checksum proves that bytes are as they were written, and says nothing about by whom. So each has a `sealed` twin,
which takes the JSON alone and puts the right checksum to it, as somebody with the source at hand would.
"""

import asyncio
import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from zlib import crc32

from msgflash_apply.models.project import Policy
from msgflash_apply.operations.calendar_ import Period, agenda, starts_within
from msgflash_apply.plan.planfile import decode_plan, refuse_stale
from msgflash_apply.plan.planner import Planner, PlanOptions
from msgflash_apply.report.icalendar import agenda_to_ics, agenda_to_text
from msgflash_apply.report.json_ import history_to_json, record_to_json, state_list_to_json
from msgflash_apply.report.layout import PLAIN
from msgflash_apply.report.state_text import (
    history_to_text,
    record_to_text,
    state_list_to_text,
    state_templates_to_text,
    template_to_text,
)
from msgflash_apply.state.backends.encryption import read_envelope
from msgflash_apply.state.backends.terraform_http import bundle, server_lock
from msgflash_apply.state.lock import Claim
from msgflash_apply.state.reading import past_of, read_state
from msgflash_apply.state.recovery import recover
from msgflash_apply.state.snapshot import Snapshot
from tests.hostile.campaigns import tell_plan
from tests.support.builders import NOW, a_desired, a_snapshot
from tests.support.states import ENVIRONMENT, a_backend, a_holder, a_run, a_state

_CHECKSUM = re.compile(rb'\n  "checksum": "[^"\n]*",')


def read_document(data: bytes) -> None:
    """Read a state, tell all of it, and plan on it."""
    with _a_folder() as folder:
        (folder / "default.json").write_bytes(data)
        use(read_state(a_backend(folder), environment=ENVIRONMENT))
        with a_run(a_backend(folder), "run-2"):
            pass


def read_sealed_document(data: bytes) -> None:
    """Read a state whose checksum fits, whatever it says."""
    read_document(seal_document(data))


def read_run(data: bytes) -> None:
    """Read a state beside which another run left a journal; then run on it, which folds the journal in."""
    with _a_folder() as folder:
        backend = a_state(folder)
        (folder / "default.journal-run-1.jsonl").write_bytes(data)
        use(read_state(backend, environment=ENVIRONMENT))
        with a_run(backend, "run-2"):
            pass
        use(read_state(backend, environment=ENVIRONMENT))


def read_sealed_run(data: bytes) -> None:
    """Read a journal whose lines prove themselves, whatever they say: each line of the input is an entry."""
    read_run(seal_journal(data))


def read_recovery(data: bytes) -> None:
    """Bring a recovery file, whose lines prove themselves, into a state."""
    with _a_folder() as folder:
        claim = Claim(ENVIRONMENT, a_holder("run-2"), lambda: NOW)
        recover(a_state(folder), seal_journal(data), claim, where="recovery")


def read_lock(data: bytes) -> None:
    """Ask who holds a lock, take it, and break it."""
    with _a_folder() as folder:
        backend = a_state(folder)
        (folder / "default.lock").write_bytes(data)
        found = backend.holder()
        if found is not None:
            assert found.since.utcoffset() is not None
            backend.break_lock(found.lock_id)
        backend.lock(a_holder())
        backend.unlock("run-1")


def read_envelopes(data: bytes) -> None:
    """Read what a storage says about itself: encrypted bytes, the text of an HTTP server, its lock."""
    asked = server_lock.lock_info(a_holder(), "state", is_gitlab=False)
    server_lock.holder_in(server_lock.lock_info_in(data), asked)
    read_envelope(data, where="here")
    bundle.decode(data, where="here")


def read_plan(data: bytes) -> None:
    """Read a plan file, show the plan, and compare it with a state."""
    saved = decode_plan(data, where="here")
    assert saved.plan.digest
    for change in saved.plan.changes:
        change.stage(NOW)
    tell_plan(saved.plan)
    refuse_stale(saved, a_snapshot(), environment="default", server="https://srv.msgflash.com")


def read_sealed_plan(data: bytes) -> None:
    """Read a plan file whose checksum fits, whatever it says."""
    read_plan(seal_plan(data))


def seal_document(data: bytes) -> bytes:
    """Put the right checksum into a state document that has a place for one."""
    found = _CHECKSUM.search(data)
    if found is None:
        return data
    before, after = data[: found.start()], data[found.end() :]
    return before + b'\n  "checksum": "sha256:%s",' % sha256(before + after).hexdigest().encode() + after


def seal_journal(data: bytes) -> bytes:
    """Make a journal of entries, one on each line."""
    rests = [b'"sequence":%d,"entry":%s}' % (number, line) for number, line in enumerate(data.splitlines())]
    return b"".join(b'{"checksum":"%08x",%s\n' % (crc32(rest), rest) for rest in rests)


def seal_plan(data: bytes) -> bytes:
    """Put the right checksum into a plan file."""
    try:
        document = json.loads(data)
        text = json.dumps(document.get("saved"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    except (ValueError, RecursionError, AttributeError):
        return data
    document["checksum"] = "sha256:" + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return json.dumps(document).encode()


def use(snapshot: Snapshot) -> None:
    """Do with a state what every command does that only looks."""
    state_list_to_text(snapshot.campaigns, snapshot.in_doubt, paint=PLAIN)
    state_templates_to_text(snapshot.templates, paint=PLAIN)
    json.loads(state_list_to_json(snapshot))
    for address, template in snapshot.templates.items():
        template_to_text(address, template, snapshot.contents, now=NOW, paint=PLAIN)
    for address in {*snapshot.campaigns, *snapshot.in_doubt}:
        record, doubt = snapshot.campaigns.get(address), snapshot.in_doubt.get(address)
        record_to_text(address, record, doubt, now=NOW, environment=ENVIRONMENT, paint=PLAIN)
        json.loads(record_to_json(snapshot, address))
    history_to_text(past_of(snapshot), paint=PLAIN)
    json.loads(history_to_json(past_of(snapshot)))
    desired = [a_desired("sale"), a_desired("other", moved_from=("promo/été",))]
    occasions = agenda(desired, snapshot)
    agenda_to_text(starts_within(occasions, Period(NOW.date(), None)), paint=PLAIN)
    agenda_to_ics(occasions, environment=ENVIRONMENT, stamped_at=NOW)
    for wanted in ([], desired):
        planner = Planner(wanted, (), PlanOptions(ENVIRONMENT, Policy()), None, lambda: NOW)
        tell_plan(asyncio.run(planner.plan(snapshot)))


@contextmanager
def _a_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
