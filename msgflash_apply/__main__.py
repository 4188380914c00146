"""`python -m msgflash_apply`, and the console script. `--version` answers before anything is imported."""

import sys
from typing import NoReturn


def main() -> None:
    """Run the command line; ends the process."""
    if sys.argv[1:] == ["--version"]:
        from msgflash_apply import __version__

        sys.stdout.write(f"msgflash-apply {__version__}\n")
        return
    from msgflash_apply.cli.main import run

    _leave(run(sys.argv[1:]))


def _leave(code: int) -> NoReturn:
    """
    End the process as it is, without freeing its memory piece by piece: for a plan of thousands that takes a tenth.

    Whatever a command has to finish it has finished when it returns; only what was printed may still be under way.
    """
    import os

    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:  # as it is where somebody closed it before we began
                stream.flush()
        except BrokenPipeError:  # whoever read our output went away
            code = code or int(stream is sys.stdout)
    os._exit(code)


if __name__ == "__main__":
    main()
