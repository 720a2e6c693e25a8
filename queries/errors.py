"""The one error that this package raises for a mistake of its caller."""


class QueryError(ValueError):
    """A query, a parameter or a database that can't be used. The message is one line, fit to be shown as it is."""
