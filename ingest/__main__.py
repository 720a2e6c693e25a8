"""The program `ingest`; `python -m ingest` is the same."""

from collections.abc import Callable

from ingest.stopped import until_stopped


def main() -> None:
    """Run the command, in a process that is its own."""
    until_stopped(_command)


def _command() -> Callable[[], None]:
    from ingest.pandas_unused import leave_pandas_alone

    leave_pandas_alone()
    from ingest.cli import main

    return main


if __name__ == "__main__":
    main()
