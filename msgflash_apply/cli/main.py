"""The group, the global options, and the one place where an exception becomes a message and an exit code."""

import os
import sys
from importlib import import_module
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from msgflash_apply import __version__
from msgflash_apply.cli.options import Globals
from msgflash_apply.errors import ExitCode, MsgflashApplyError
from msgflash_apply.findings import InvalidFiles

PROGRAM = "msgflash-apply"

# Name -> module and the line that `--help` shows; a command's module is imported when the command is called.
COMMANDS = {
    "init": ("init_", "Start a campaigns repo: project file, example, state."),
    "validate": ("validate", "Check files without any request."),
    "plan": ("plan", "Show what an apply would do. Changes nothing."),
    "apply": ("apply", "Create what is missing, pause what is gone."),
    "resolve": ("resolve", "Tell how a create in doubt ended."),
    "status": ("status", "Show how far campaigns are."),
    "drift": ("drift", "Show what differs from the record. Changes nothing."),
    "calendar": ("calendar_", "Show what goes out when."),
    "import": ("import_", "Take a campaign that exists into the record."),
    "state": ("state", "Look at the record of what was sent."),
    "fmt": ("fmt", "Write files in canonical form, comments kept."),
    "schema": ("schema", "Print a JSON Schema, for editors."),
    "sandbox": ("sandbox_", "Serve an embedded MsgFlash on this machine."),
    "demo": ("demo", "Sandbox, plan and apply on the examples, in one go."),
    "completion": ("completion", "Print the completion script of a shell."),
}


class LazyGroup(click.Group):
    """A group that knows its commands' names and imports one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the commands in the order in which people meet them."""
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
        """Find the command, or say which one was probably meant."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

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


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--chdir", type=click.Path(path_type=Path), default=Path(), help="Work as if started in this folder.")
@click.option("--env", "environment", metavar="NAME", help="Environment of msgflash.yaml; else MSGFLASH_ENV.")
@click.option("--var", "variables", metavar="NAME=VALUE", multiple=True, help="Set custom.NAME; repeatable.")
@click.option(
    "--var-file",
    "variable_files",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Set custom.* from a YAML or JSON file; repeatable.",
)
@click.option("--no-color", is_flag=True, help="No colour; NO_COLOR does the same.")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    default="warning",
    envvar="MSGFLASH_LOG",
    help="What to tell on stderr; else MSGFLASH_LOG, else warning.",
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
    set_up_logging(log_level)
    enter(chdir)
    colour = False if no_color or os.environ.get("NO_COLOR") else None
    ctx.obj = Globals(Path.cwd(), environment, variables, variable_files, colour, log_level)


def enter(folder: Path) -> None:
    """Work in a folder for the rest of the process, so that every relative path means the same to every part."""
    try:
        os.chdir(folder)
    except OSError as err:
        raise MsgflashApplyError(f"Cannot work in {folder}.", f"{err.strerror}.") from err


def set_up_logging(level: str) -> None:
    """Send log lines to stderr, with every key taken out, whoever logs."""
    import logging

    from msgflash_apply.report.safe_text import RedactingFilter

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    handler.addFilter(RedactingFilter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def run(arguments: list[str]) -> int:
    """
    Run one command.

    Returns:
        The exit code of contract section 9. click's own 2 for usage becomes 1, since 2 means "there are changes".
    """
    try:
        result = cli.main(args=arguments, prog_name=PROGRAM, standalone_mode=False)
    except click.ClickException as err:
        err.show()
        return ExitCode.ERROR
    except (click.Abort, KeyboardInterrupt):
        _say("\nStopped.")
        return 130
    except BrokenPipeError:
        # Whoever read our output went away; Python must not complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.ERROR
    except MsgflashApplyError as err:
        _say(explain(err))
        return ExitCode.ERROR
    except Exception as err:  # noqa: BLE001 - the one boundary: a bug leaves a report, not a traceback
        _say(f"Error: a bug in msgflash-apply: {type(err).__name__}.\nThe details are in {report_bug(err)}")
        return ExitCode.ERROR
    return result if isinstance(result, int) else ExitCode.DONE


def explain(error: MsgflashApplyError) -> str:
    """Tell an error: the summary, what was found, what to do."""
    if isinstance(error, InvalidFiles):
        from msgflash_apply.cli.output import findings_text

        return findings_text(error.diagnostics)
    from msgflash_apply.report.safe_text import visible

    # It may quote a server, a state or a lock: what is in there is to be read, and does nothing to the terminal.
    text = "\n".join(part for part in (f"Error: {error.summary}", error.detail, error.fix) if part)
    return "\n".join(map(visible, text.split("\n")))


def report_bug(error: Exception) -> str:
    """Write what a maintainer needs to a file of its own, with every key taken out, and return its path."""
    import tempfile
    import traceback

    from msgflash_apply.report.safe_text import redact

    text = f"msgflash-apply {__version__}, Python {sys.version}\n\n{''.join(traceback.format_exception(error))}"
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", prefix="msgflash-apply-bug-", suffix=".txt", delete=False
    ) as file:
        file.write(redact(text))
    return file.name


def _say(text: str) -> None:
    from msgflash_apply.report.safe_text import redact

    click.echo(redact(text), err=True)
