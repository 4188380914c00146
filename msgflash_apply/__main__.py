"""`python -m msgflash_apply`, and the console script. `--version` answers before anything is imported."""

import os
import sys


def main() -> None:
    """Run the command line; ends the process."""
    if sys.argv[1:] == ["--version"]:
        from msgflash_apply import __version__

        sys.stdout.write(f"msgflash-apply {__version__}\n")
        return
    from msgflash_apply.cli.main import run

    code = run(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:  # None if the descriptor was closed before the process began
                stream.flush()
        except BrokenPipeError:  # the reader of our output is gone
            code = code or int(stream is sys.stdout)
    # Without freeing memory piece by piece: for a plan of thousands that takes a tenth. The command has finished all it
    # has to finish; only what was printed might have been under way.
    os._exit(code)


if __name__ == "__main__":
    main()
