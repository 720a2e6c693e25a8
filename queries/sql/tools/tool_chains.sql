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
--   tools   names of the tools, in order
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
    where ($run_id is null or run_id = $run_id)
        and event_type = 'tool_call'
),

calls_of_runs as (
    select
        run_id,
        array_agg(tool_name order by execution_order) as tools,
        array_agg(failed order by execution_order) as failures
    from calls
    group by run_id
),

starts as (
    select
        run_id,
        tools,
        failures,
        unnest(range(1, len(tools) + 1)) as start
    from calls_of_runs
),

lengths as (
    select unnest(range(greatest($min_length, 1), $max_length + 1)) as length
),

chains as (
    select
        starts.run_id,
        starts.tools[starts.start : starts.start + lengths.length - 1] as tools,
        lengths.length,
        list_max(starts.failures[starts.start : starts.start + lengths.length - 1]) as has_failure
    from starts
    inner join lengths
        on starts.start + lengths.length - 1 <= len(starts.tools)
)

select
    tools,
    any_value(length) as length,
    count(*) as count,
    count(distinct run_id) as runs,
    count(*) filter (where has_failure = 1) as failed
from chains
group by tools
having count(*) >= $min_count
    and count(distinct run_id) >= $min_runs
order by
    count desc,
    length desc,
    tools
