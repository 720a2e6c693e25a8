"""The program `ingest`; `python -m ingest` is the same."""

from ingest.pandas_unused import leave_pandas_alone


def main() -> None:
    """Run the command, in a process that is its own."""
    leave_pandas_alone()
    from ingest.cli import main

    main()


if __name__ == "__main__":
    main()
