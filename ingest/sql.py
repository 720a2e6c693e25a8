"""What Python's interface to DuckDB lacks."""

from collections.abc import Mapping
from contextlib import suppress

import duckdb

MORE = (2, 4)
"""Times the usual limit of memory, one after the other, where that is too little."""

UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


def quoted(text: str) -> str:
    """A text as SQL writes it, for the statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def is_out_of_memory(error: duckdb.Error) -> bool:
    """Whether DuckDB was allowed too little memory."""
    return any(
        words in str(error) for words in ("Out of Memory", "failed to pin", "failed to allocate", "could not allocate")
    )


def execute_within(con: duckdb.DuckDBPyConnection, statement: str, values: Mapping[str, object]) -> None:
    """Execute a statement within the limit of memory; where that is too little, again in twice and four times as much,
    and at last in as much as it takes.

    Inside a transaction, which is lost with the first attempt, there is no second.
    """
    try:
        con.execute(statement, values)
    except duckdb.Error as error:
        if not is_out_of_memory(error):
            raise
        try:
            limit = _limit(con)
        except duckdb.TransactionException:
            raise error from None
        con.execute("RESET memory_limit")
        usual = _limit(con)
        try:
            for more in [*(n * limit for n in MORE if n * limit < usual), usual]:
                con.execute(f"SET memory_limit = '{more}B'")  # DuckDB 1.5 only says that it was reset
                try:
                    con.execute(statement, values)
                    return
                except duckdb.Error as again:
                    if more == usual or not is_out_of_memory(again):
                        raise
        finally:
            with suppress(duckdb.Error):  # what is still held may be more
                con.execute(f"SET memory_limit = '{limit}B'")


def _limit(con: duckdb.DuckDBPyConnection) -> int:
    """The limit of memory in bytes. DuckDB tells it as `286.1 MiB`."""
    (told,) = con.execute("SELECT current_setting('memory_limit')").fetchall()[0]
    number, unit = told.split()
    return int(float(number) * 1024 ** UNITS.index(unit))
