-- Which tool calls directly follow each other again and again?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--   min_length BIGINT = 2  calls in a chain, at least
--   max_length BIGINT = 5  calls in a chain, at most
--   min_count BIGINT = 2   how often, at least
--   min_runs BIGINT = 1    runs that it appears in, at least
--
-- Columns
--   tools   names of the tools, in order; calls that the user's code marked with timed("tool_call", ...) among them
--   length  calls in the chain
--   count   how often they were called in this order with no other call between
--   runs    in how many runs
--   failed  how many of these chains had a call that failed
with

calls as (
    select
        run_id,
        execution_order,
        meta->>'tool_name' as tool_name,
        (status = 'failed')::integer as failed
    from execution_events
    where ($run_id is null or ingest.of_run(run_id, id, $run_id))
        and event_type = 'tool_call'
),

-- numbers in place of names: lists of them are compared much faster
names as materialized (
    select
        tool_name,
        (row_number() over (order by tool_name))::integer as tool_no
    from calls
    group by tool_name
),

-- each call with those after it that a chain may have; cut from the list of the whole run, they would cost its square
starts as (
    select
        calls.run_id,
        array_agg(names.tool_no) over following as tool_nos,
        array_agg(calls.failed) over following as failures
    from calls
    inner join names
        on names.tool_name is not distinct from calls.tool_name
    window following as (
        partition by calls.run_id
        order by calls.execution_order
        rows between current row and greatest($max_length, 1) - 1 following
    )
),

lengths as (
    select
        *,
        unnest(range(greatest($min_length, 1), least($max_length, len(tool_nos)) + 1)) as length
    from starts
),

chains as (
    select
        run_id,
        tool_nos[1 : length] as tool_nos,
        list_max(failures[1 : length]) as has_failure
    from lengths
),

chains_of_runs as (
    select
        run_id,
        tool_nos,
        count(*) as count,
        count(*) filter (where has_failure = 1) as failed
    from chains
    group by
        run_id,
        tool_nos
),

counted_chains as (
    select
        tool_nos,
        sum(count)::bigint as count,
        count(*) as runs,
        sum(failed)::bigint as failed
    from chains_of_runs
    group by tool_nos
),

all_names as (
    select array_agg(tool_name order by tool_no) as names
    from names
)

select
    list_transform(counted_chains.tool_nos, lambda tool_no: all_names.names[tool_no]) as tools,
    len(counted_chains.tool_nos) as length,
    counted_chains.count,
    counted_chains.runs,
    counted_chains.failed
from counted_chains
cross join all_names
where counted_chains.count >= $min_count
    and counted_chains.runs >= $min_runs
order by
    counted_chains.count desc,
    length desc,
    tools
