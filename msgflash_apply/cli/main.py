"""
The group of commands, the global options, and the one place where an exception becomes a message and an exit code.

Read `run` first. This module imports click and nothing heavy, so that `--help` and completion are quick: a command's
module is imported when the command runs, and so is `output`.
"""

import os
from contextlib import suppress
from difflib import get_close_matches
from importlib import import_module
from io import StringIO
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from msgflash_apply import __version__
from msgflash_apply.cli import streams
from msgflash_apply.cli.interrupts import INTERRUPTS, Interrupted
from msgflash_apply.cli.options import Globals
from msgflash_apply.errors import ExitCode, MsgflashApplyError

PROGRAM = "msgflash-apply"

# Name -> module and the line that `--help` shows.
COMMANDS = {
    "init": ("init_", "Create a project file, an example campaign and the state."),
    "validate": ("validate", "Check the files without sending a request."),
    "plan": ("plan", "Show what `apply` would do, without changing anything."),
    "preview": ("preview", "Show the message of a campaign as a phone does."),
    "proof": ("proof", "Send the message of a campaign to one phone of yours."),
    "apply": ("apply", "Create missing campaigns and pause removed ones."),
    "resolve": ("resolve", "Record the outcome of a create whose result is unknown."),
    "status": ("status", "Show delivery progress."),
    "drift": ("drift", "Show differences between MsgFlash and the state."),
    "calendar": ("calendar_", "Show when each campaign goes out."),
    "list": ("list_", "List instances, templates, groups or tags of the account."),
    "import": ("import_", "Add an existing campaign to the state."),
    "state": ("state", "Inspect and edit the state."),
    "fmt": ("fmt", "Rewrite files in the canonical format, keeping comments."),
    "schema": ("schema", "Print a JSON Schema."),
    "sandbox": ("sandbox_", "Run an embedded MsgFlash server on this machine."),
    "demo": ("demo", "Plan and apply the examples in a sandbox."),
    "completion": ("completion", "Print a shell completion script."),
}


class LazyGroup(click.Group):
    """A group that knows its commands' names and imports one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """List the commands in the order in which people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"msgflash_apply.cli.{COMMANDS[cmd_name][0]}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or suggest the one that was probably meant."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            nearest = get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean '{nearest[0]}'?" if nearest else " See 'msgflash-apply --help'."
            raise click.UsageError(f"There is no command '{args[0]}'.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the commands' names without importing them: a shell asks at every press of the tab key."""
        commands = [
            CompletionItem(name, help=line) for name, (_, line) in COMMANDS.items() if name.startswith(incomplete)
        ]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True},
)
@click.option(
    "--chdir",
    type=click.Path(path_type=Path),
    default=Path(),
    show_default=False,
    help="Run as if started in this folder.",
)
@click.option("--env", "environment", metavar="NAME", help="Environment to use [default: $MSGFLASH_ENV].")
@click.option("--var", "variables", metavar="NAME=VALUE", multiple=True, help="Set custom.NAME (repeatable).")
@click.option(
    "--var-file",
    "variable_files",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Set custom.* from a YAML or JSON file (repeatable).",
)
@click.option("--no-color", is_flag=True, help="Disable colours, as $NO_COLOR does.")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    default=lambda: os.environ.get("MSGFLASH_LOG", "").strip() or "warning",
    show_default=False,
    help="Log level on stderr [default: $MSGFLASH_LOG or warning].",
)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
@click.pass_context
def cli(
    ctx: click.Context,
    chdir: Path,
    environment: str | None,
    variables: tuple[str, ...],
    variable_files: tuple[Path, ...],
    no_color: bool,  # noqa: FBT001 - click passes by keyword
    log_level: str,
) -> None:
    """Campaigns as code for MsgFlash: each campaign in the files is created at most once."""
    from msgflash_apply.cli import output

    output.set_up_logging(log_level)
    try:  # for the rest of the process, so that every relative path means the same to every part
        os.chdir(chdir)
    except OSError as err:
        raise MsgflashApplyError(f"Cannot work in {chdir}.", f"{err.strerror}.") from err
    colour = False if no_color or os.environ.get("NO_COLOR") else None
    ctx.obj = Globals(Path.cwd(), environment, variables, variable_files, colour, log_level)


def run(arguments: list[str]) -> int:
    """
    Run one command.

    Returns:
        The exit code of contract section 9; 128 and the number of the first signal, if there was one.
    """
    try:
        INTERRUPTS.install()
        result = cli.main(args=arguments, prog_name=PROGRAM, standalone_mode=False)
        code = result if isinstance(result, int) else ExitCode.DONE
        streams.check()
    except SystemExit as err:  # click ends so when the reader of our output is gone, or when it has completed a word
        code = err.code if isinstance(err.code, int) else ExitCode.ERROR
    except (Exception, KeyboardInterrupt) as err:  # noqa: BLE001 - the one boundary
        code = ExitCode.ERROR
        with suppress(Interrupted), INTERRUPTS.holding():
            code = report_error(err)
    return code if INTERRUPTS.number is None else 128 + INTERRUPTS.number


def report_error(error: BaseException) -> int:
    """
    Print what ended a command on stderr.

    Returns:
        The exit code. click's own 2 for usage becomes 1, since 2 means "there are changes".
    """
    from msgflash_apply.cli import output
    from msgflash_apply.report.safe_text import visible

    match error:
        case click.ClickException():
            words = StringIO()
            error.show(words)  # it repeats what was typed
            output.note("\n".join(map(visible, words.getvalue().split("\n"))))
        case click.Abort() | KeyboardInterrupt():
            output.note("\nStopped.")
            return 130
        case BrokenPipeError() if streams.failure() is not None:
            pass  # the reader of our output has seen enough
        case OSError() if streams.failure() is not None:
            output.note(streams.words_of(error))
        case MsgflashApplyError():
            output.note(output.error_text(error))
        case RuntimeError() if str(error) == "can't start new thread":
            output.note("Error: The system lets this process start no thread.\nNothing was sent.")
        case _:  # a bug leaves two lines and a report, not a traceback
            file = output.write_bug_report(error)
            output.note(f"Error: a bug in msgflash-apply: {type(error).__name__}.\nThe details are in {file}")
    return ExitCode.ERROR
