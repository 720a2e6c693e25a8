"""`python -m ingest`, the same as the command `ingest`."""

from ingest.cli import main

if __name__ == "__main__":
    main()
