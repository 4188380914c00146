"""`python -m msgflash_apply`, and the console script. `--version` answers before anything is imported."""

import sys


def main() -> None:
    """Run the command line; ends the process."""
    if sys.argv[1:] == ["--version"]:
        from msgflash_apply import __version__

        sys.stdout.write(f"msgflash-apply {__version__}\n")
        return
    from msgflash_apply.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
