"""What this package raises, and warns of, for a mistake of its caller. A message is one line, fit to be shown."""


class QueryError(ValueError):
    """A query, a parameter or a database that can't be used."""


class QueryWarning(UserWarning):
    """A value that names nothing in the data, so that the answer is empty."""
