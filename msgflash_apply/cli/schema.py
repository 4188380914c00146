"""`schema`: print the JSON Schemas, for editors and for people."""

import click

from msgflash_apply.cli import output
from msgflash_apply.models.schema import NAMES, SchemaName, schema_text


@click.command
@click.argument("name", type=click.Choice(NAMES), default="campaign")
def command(name: SchemaName) -> None:
    """Print the JSON Schema of campaign files (default), template files, msgflash.yaml, plans as JSON or the state."""
    output.result(schema_text(name))
