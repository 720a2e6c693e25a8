"""Named SQL queries over the tables that `ingest` makes."""

from queries.connection import connect
from queries.errors import QueryError, QueryWarning
from queries.execution import run
from queries.library import Parameter, Query, find, names

__all__ = ["Parameter", "Query", "QueryError", "QueryWarning", "connect", "find", "names", "run"]
