"""
The published JSON Schemas as text, wherever they lie: inside the installed package, or beside it in a checkout.

May be used by every layer above; imports nothing of ours.
"""

from importlib.resources import files
from pathlib import Path
from typing import Final, Literal, TypeAlias

SchemaName: TypeAlias = Literal["campaign", "project", "plan", "state"]

NAMES: Final[tuple[SchemaName, ...]] = ("campaign", "project", "plan", "state")


def schema_text(name: SchemaName) -> str:
    """Read one schema; FileNotFoundError means that the installation is broken."""
    packaged = files("msgflash_apply").joinpath("schemas", f"{name}.schema.json")
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    checkout = Path(__file__).parents[2] / "schemas" / f"{name}.schema.json"
    return checkout.read_text(encoding="utf-8")
