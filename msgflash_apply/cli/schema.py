"""`schema`: the law for files, for editors and for people."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # not for --help
    from msgflash_apply.models.schema import SchemaName


@click.command(short_help="Print a JSON Schema, for editors.")
@click.argument("name", type=click.Choice(["campaign", "project", "plan", "state"]), default="campaign")
def command(name: "SchemaName") -> None:
    """Print the JSON Schema of campaign files (default), of msgflash.yaml, of plans as JSON or of the state."""
    from msgflash_apply.cli import output
    from msgflash_apply.models.schema import schema_text

    output.result(schema_text(name))
