"""`python -m msgflash_apply`, and the console script. `--version` answers before anything heavy is imported."""

import os
import sys

from msgflash_apply.cli import streams


def main() -> None:
    """Run the command line; ends the process."""
    streams.set_up()
    if sys.argv[1:] == ["--version"]:
        code = _print_version()
    else:
        from msgflash_apply.cli.main import run

        code = run(sys.argv[1:])
    # Without freeing memory piece by piece: for a plan of thousands that takes a tenth. The command has finished all it
    # has to finish, and nothing of what it printed is buffered.
    os._exit(code)


def _print_version() -> int:
    from msgflash_apply import __version__

    try:
        sys.stdout.write(f"msgflash-apply {__version__}\n")
    except OSError as err:
        streams.last_words(streams.words_of(err))
        return 1
    return 0


if __name__ == "__main__":
    main()
