"""`schema`: print the JSON Schemas, for editors and for people."""

import click

from msgflash_apply.cli import output
from msgflash_apply.models.schema import SchemaName, schema_text


@click.command
@click.argument("name", type=click.Choice(["campaign", "project", "plan", "state"]), default="campaign")
def command(name: SchemaName) -> None:
    """Print the JSON Schema of campaign files (default), of msgflash.yaml, of plans as JSON or of the state."""
    output.result(schema_text(name))
