"""What this package raises, and warns of, for a mistake of its caller. A message is one line, fit to be shown."""


class QueryError(ValueError):
    """A query, a parameter or a database that can't be used."""


class QueryWarning(UserWarning):
    """The answer is empty because a value names nothing in the data, or does not say enough."""


def first_line(error: Exception) -> str:
    """The first line of a message of DuckDB, which may have more."""
    return (str(error).splitlines() or [type(error).__name__])[0]
