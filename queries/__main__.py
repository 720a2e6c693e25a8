"""`python -m queries` is the same command as `queries`."""

from queries.cli import main

if __name__ == "__main__":
    main()
