"""What Python's interface to DuckDB lacks."""

from collections.abc import Mapping
from contextlib import suppress

import duckdb


def quoted(text: str) -> str:
    """A text as SQL writes it, for the statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def is_out_of_memory(error: duckdb.Error) -> bool:
    """Whether DuckDB was allowed too little memory."""
    return any(
        words in str(error) for words in ("Out of Memory", "failed to pin", "failed to allocate", "could not allocate")
    )


def execute_within(con: duckdb.DuckDBPyConnection, statement: str, values: Mapping[str, object]) -> None:
    """Execute a statement within the limit of memory; where that is too little, once more in as much as it takes.

    Inside a transaction, which is lost with the first attempt, there is no second.
    """
    try:
        con.execute(statement, values)
    except duckdb.Error as error:
        if not is_out_of_memory(error):
            raise
        try:
            (limit,) = con.execute("SELECT current_setting('memory_limit')").fetchall()[0]
        except duckdb.TransactionException:
            raise error from None
        con.execute("RESET memory_limit")
        (usual,) = con.execute("SELECT current_setting('memory_limit')").fetchall()[0]
        con.execute(f"SET memory_limit = {quoted(usual)}")  # DuckDB 1.5 only says that it was reset
        try:
            con.execute(statement, values)
        finally:
            with suppress(duckdb.Error):  # what is still held may be more
                con.execute(f"SET memory_limit = {quoted(limit)}")
