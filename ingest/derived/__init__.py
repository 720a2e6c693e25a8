"""Tables whose rows are made from those of other tables, by the SQL beside this: what would cost each query some tenths
of a second over a million events is asked once, when a run comes in."""

from collections.abc import Iterable
from importlib import resources

import duckdb

from ingest.batches import batches
from ingest.runrows import id_digits, storage_order
from ingest.schema import Table
from ingest.sql import execute_within

BATCH = 100_000
"""Records of the runs that are looked at together; each thousand bytes of them count as one at least."""


def derive(con: duckdb.DuckDBPyConnection, table: Table, runs: Iterable[tuple[str, int]]) -> None:
    """Make the rows of a derived table.

    Its SQL is given the ids of some runs, `$run_ids`, and bounds of the UUIDs of what is in them, `$low` and `$high`.
    Where memory is too little for it, it goes again in as much as it takes.

    Args:
        con: connection to the new database, in which the other tables are as they will be.
        table: the table, which has no rows of these runs.
        runs: their ids, each with its records.
    """
    statement = resources.files("ingest.derived").joinpath(f"{table.name}.sql").read_text(encoding="utf-8")
    in_order = sorted(runs, key=lambda run: storage_order(run[0]))
    for batch in batches(in_order, lambda run: run[1], BATCH):
        run_ids = [run_id for run_id, _ in batch]
        digits = sorted(map(id_digits, run_ids))
        given = {"run_ids": run_ids, "low": digits[0].ljust(32, "0"), "high": digits[-1].ljust(32, "f")}
        execute_within(con, statement, given)
