"""Terraform on as many built-in `terraform_data` resources: nothing changed, no provider, no network."""

import json
import os
import shutil
import subprocess
import uuid
from pathlib import Path
from typing import Final

from benchmarks.measure import Run, run

PROVIDER: Final = 'provider["terraform.io/builtin/terraform"]'


def is_here() -> bool:
    """Whether there is a terraform to measure."""
    return shutil.which("terraform") is not None


def plan(folder: Path, resources: int) -> Run:
    """Measure one `terraform plan` in which nothing changes; makes the files, and the state that an apply leaves."""
    environ = {**os.environ, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
    if not folder.exists():
        _write(folder, resources)
        init = [str(shutil.which("terraform")), "init", "-input=false"]
        subprocess.run(init, cwd=folder, env=environ, check=True, capture_output=True)  # noqa: S603 - our own
    command = ("terraform", "plan", "-input=false", "-detailed-exitcode", "-no-color")
    return run(command, folder=folder, environ=environ)


def _write(folder: Path, resources: int) -> None:
    folder.mkdir(parents=True)
    numbers = range(resources)
    blocks = (f'resource "terraform_data" "r{number}" {{\n  input = "mailing {number}"\n}}\n' for number in numbers)
    (folder / "main.tf").write_text("\n".join(blocks), encoding="utf-8")
    state = {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 1,
        "lineage": str(uuid.UUID(int=1)),
        "outputs": {},
        "resources": [_resource(number) for number in numbers],
        "check_results": None,
    }
    (folder / "terraform.tfstate").write_text(json.dumps(state), encoding="utf-8")


def _resource(number: int) -> dict[str, object]:
    value = {"value": f"mailing {number}", "type": "string"}
    attributes = {"id": str(uuid.UUID(int=number)), "input": value, "output": value, "triggers_replace": None}
    instance = {"schema_version": 0, "attributes": attributes, "sensitive_attributes": []}
    return {
        "mode": "managed",
        "type": "terraform_data",
        "name": f"r{number}",
        "provider": PROVIDER,
        "instances": [instance],
    }
