"""`completion`: print the script with which a shell completes commands and options, as click writes it."""

import click
from click.shell_completion import get_completion_class

from msgflash_apply.cli.main import PROGRAM, cli


@click.command
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    r"""
    Print the completion script of SHELL, for the shell to read when it starts.

    \b
    bash (4.4 or later), in ~/.bashrc:  eval "$(msgflash-apply completion bash)"
    zsh, in ~/.zshrc:                   eval "$(msgflash-apply completion zsh)"
    fish, once:  msgflash-apply completion fish > ~/.config/fish/completions/msgflash-apply.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"This version of click cannot complete in {shell}.")
    variable = f"_{PROGRAM}_COMPLETE".replace("-", "_").upper()  # as click.Command.main derives it
    click.echo(kind(cli, {}, PROGRAM, variable).source())
