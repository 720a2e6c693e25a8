"""How long each named query takes on a million events: `python -m tests.benchmarks.bench_queries [runs] [name ...]`.

The events are made in DuckDB: 50 for each run (1,000 where there are at most 1,000 runs), of every type, a tenth of
them failed, in random order of agents and tools. That is the worst case for mining, because real runs repeat themselves
more. In every tenth run the last turns are of two agents who only answer each other. For each query times over all runs
and over one run are printed, with the rows that each gave. Times of a query without any row say little: it is marked.
On a busy machine the processor's time tells most.

The ids of all runs begin alike, as those of one day and of transcripts in one folder do. That is the worst case for a
question about one run: what DuckDB knows of the texts in a row group is their first eight characters, so that only the
UUIDs tell it where a run lies.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import duckdb

import queries
from ingest.derived import derive
from ingest.schema import TABLES
from ingest.snapshot import ROW_GROUP_SIZE, STORAGE_VERSION
from queries.execution import execute
from queries.library import Query

VIEWS = Path(__file__).parents[2] / "ingest" / "views.sql"
EVENTS = 1_000_000

BASE = """
create table memory.base as
select
    i,
    i // $per_run as run,
    i % $per_run as place,
    hash(i) as h,
    run % 10 = 0 and place >= $per_run - 40 as is_idle,
    case
        when i % 5 = 0 then 'agent_call'
        when i % 5 = 1 then 'llm_call'
        when i % 5 = 2 then 'handoff'
        when i % 5 = 3 then if(hash(i) % 2 = 0, 'tool_call', 'code_exec')
        else if(hash(i) % 3 = 0, 'file_gen', 'tool_call')
    end as type,
    ['planner', 'engineer', 'executor', 'critic', 'admin'][
        1 + if(is_idle, place // 5 % 2, (hash(i // 5) % 5)::integer)
    ] as agent,
    ['read', 'write', 'search', 'fetch', 'plot', 'fit', 'load', 'save'][1 + (hash(i) % 8)::integer] as tool,
    if(hash(i * 7 + 1) % 10 = 0 or (is_idle and i % 5 >= 3), 'failed', 'completed') as status,
    timestamp '2026-01-01' + to_seconds(i * 12) as time,
    format('20260101T000000Z-bench-{:07}', run) as run_id,
    left(md5(run_id), 12) as run_digits,
    concat(run_digits, '3', substr(md5(i::varchar), 14))::uuid as id,
    concat(run_digits, '3', substr(md5((i - i % 5)::varchar), 14))::uuid as turn_id
from range($runs * $per_run) as numbers (i)
"""

ROWS = (
    """
    insert into execution_events by name
    with repairs as (
        select
            id,
            [{'id': lag(id) over calls, 'alike': true, 'similarity': 0.9, 'diff': repeat('+x = 1 ', 10)}] as fixes
        from (
            select *, if(type = 'tool_call', tool, type) as what
            from memory.base
            where type in ('tool_call', 'code_exec')
        )
        window calls as (partition by run, what order by place)
        qualify status = 'completed' and lag(status) over calls = 'failed'
    )
    select
        base.id, run_id, 'node_' || (place // 10) as node_id, 'step_' || (place // 20) as step_id,
        place as execution_order, type as event_type, agent as agent_name, status, time as timestamp,
        time + interval 1 second as completed_at,
        (h % 2000 + if(h % 100 = 0, 6000, 0))::double as duration_ms,
        if(type in ('agent_call', 'handoff'), null, turn_id) as parent_event_id,
        if(type in ('agent_call', 'handoff'), 0, 1) as depth,
        if(type = 'agent_call', 'message', 'of its kind') as event_subtype,
        case type
            when 'agent_call' then json_object('message', repeat('word ', 40), 'sender', 'planner')
            when 'code_exec' then json_object('code', repeat('x = 1 ', 30) || h % 1000, 'code_hash', h % 1000)
            when 'tool_call' then json_object('tool', tool, 'args', json_object('n', h % 50))
            when 'handoff' then json_object('from_agent', agent, 'to_agent', 'engineer')
            else json_object('generation_context', 'by code')
        end as inputs,
        case type
            when 'agent_call' then json_object('full_content', repeat('word ', 100) || i)
            when 'llm_call' then json_object(
                'content', repeat('word ', 100),
                'tool_calls', if(h % 3 = 0, [{'function': {'name': tool}}], null)
            )
            when 'file_gen' then json_object('file_path', 'f' || h % 100, 'file_content', 'x' || h % 500)
            else json_object('result', repeat('out ', 50), 'exit_code', if(status = 'failed', 1, 0))
        end as outputs,
        if(status = 'failed', 'ValueError: bad', null) as error_message,
        case type
            when 'agent_call' then json_object(
                'content_length', 500, 'has_code', h % 2 = 0, 'code_languages', if(h % 2 = 0, ['python'], []),
                'has_tool_calls', h % 3 = 0
            )
            when 'tool_call' then json_object(
                'tool_name', tool, 'result_length', 200, 'error_type', 'ValueError', 'requested_in', turn_id,
                'args_hash', h % 100, 'fixes', fixes
            )
            when 'code_exec' then json_object(
                'language', 'python', 'imports', ['numpy', 'm' || h % 20], 'executor', 'executor',
                'written_in', turn_id, 'files_read', if(h % 5 = 0, ['f' || h // 7 % 100], []), 'fixes', fixes
            )
            when 'handoff' then json_object('reason', 'group_chat_selection', 'selection', 'auto', 'group', 'manager')
            when 'file_gen' then json_object('file_path', 'f' || h % 100, 'file_type', '.txt')
            else json_object('model', 'm')
        end as meta
    from memory.base
    left join repairs using (id)
    order by run_digits, i
    """,
    """
    insert into messages by name
    select run_id, id as event_id, place // 5 as message_order, agent as sender, repeat('word ', 100) || i as content
    from memory.base
    where type = 'agent_call'
    order by run_digits, i
    """,
    """
    insert into ingest.llm_calls by name
    select
        run_id, id as event_id, agent as agent_name, 'm' || h % 3 as model, 120 as total_tokens, 0.001 as cost,
        time as started_at, (h % 2000)::double as duration_ms, status,
        if(status = 'failed', 'ValueError: bad', null) as error_message, (h % 100) / 100 as response_quality_score,
        json_object('messages', [{'role': 'user', 'content': repeat('word ', 300)}]) as request,
        json_object('choices', [{'message': {'content': repeat('word ', 100)}}]) as response
    from memory.base
    where type = 'llm_call'
    order by run_digits, i
    """,
    """
    insert into code_execs by name
    select
        run_id, id as event_id, 'python' as language, (h % 1000)::varchar as code_hash,
        (h % 500)::varchar as code_normal_hash, agent as agent_name, status
    from memory.base
    where type = 'code_exec'
    order by run_digits, i
    """,
    """
    insert into files by name
    select
        id, run_id, id as event_id, 'f' || h % 100 as file_path, '.txt' as file_type, 10 as file_size,
        if(h % 5 = 0, 'read', 'write') as operation
    from memory.base
    where type = 'file_gen'
    order by run_digits, i
    """,
    """
    insert into runs by name
    select
        run_id, if(run % 9 = 0, 'failed', 'completed') as status, min(time) as started_at, 50000 as duration_ms,
        10 as messages, 0.1 as cost, '{}' as meta, 'journal' as source_format
    from memory.base
    group by run_id, run, run_digits
    order by run_digits
    """,
)


def build(path: Path, runs: int, per_run: int) -> None:
    """A database of so many runs with so many events each, as `ingest` would write it."""
    con = duckdb.connect()
    con.execute(f"attach '{path}' as traces (storage_version '{STORAGE_VERSION}', row_group_size {ROW_GROUP_SIZE})")
    con.execute("use traces")
    con.execute("create schema ingest")
    for table in TABLES.values():
        con.execute(table.ddl)
    con.execute(BASE, {"runs": runs, "per_run": per_run})
    for statement in ROWS:
        con.execute(statement)
    made = con.execute("select run_id, $1 from runs order by run_id", [per_run]).fetchall()
    con.execute(VIEWS.read_text(encoding="utf-8"))
    for table in TABLES.values():
        if table.derived:
            derive(con, table, made)
    con.close()


def measured(con: duckdb.DuckDBPyConnection, query: Query, times: int, **parameters: object) -> tuple[str, int]:
    """Milliseconds until all rows are fetched, as median, minimum and minimum of processor time; and how many rows."""
    taken, worked, rows = [], [], 0
    for _ in range(times):
        start, cpu = time.perf_counter(), time.process_time()
        rows = len(execute(query, con, parameters).fetchall())
        taken.append((time.perf_counter() - start) * 1000)
        worked.append((time.process_time() - cpu) * 1000)
    return f"{statistics.median(taken):8.1f} {min(taken):8.1f} {min(worked):8.1f}", rows


def main() -> None:
    """Build the database and print a line per query."""
    arguments = sys.argv[1:]
    runs = int(arguments.pop(0)) if arguments and arguments[0].isdigit() else EVENTS // 50
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "traces.duckdb"
        per_run = 1000 if runs <= EVENTS // 1000 else 50
        build(path, runs, per_run)
        con = queries.connect(path)
        one_run = con.execute("select run_id from runs order by run_id limit 1 offset $1", [runs // 2]).fetchall()[0][0]
        size = f"{runs * per_run:,} events, {per_run:,} a run, {path.stat().st_size / 1e6:.0f} MB"
        print(f"{size}, DuckDB {duckdb.__version__}")
        columns = f"{'median':>8} {'min':>8} {'cpu':>8} {'rows':>8}"
        print(f"{'':24} {'all runs, ms':^26} {'':8} {'one run, ms':^26}")
        print(f"{'query':24} {columns} {columns}")
        for query in map(queries.find, arguments or queries.names()):
            everything, rows = measured(con, query, 3)
            line = f"{query.name:24} {everything} {rows:8}"
            if any(parameter.name == "run_id" for parameter in query.parameters):
                one, rows_of_one = measured(con, query, 15, run_id=one_run)
                line += f" {one} {rows_of_one:8}"
                rows = min(rows, rows_of_one)
            print(line if rows else f"{line}  no row", flush=True)
        con.close()


if __name__ == "__main__":
    main()
