-- Which whole sequences of tools come back, each within one run and workflow node?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--   min_count BIGINT = 3   how often, at least
--
-- Columns
--   tools      the tools of the run and node, in order, of chats at the same time as well; calls that the user's code
--              marked with timed("tool_call", ...) among them
--   frequency  runs and nodes with exactly this sequence
with

tool_sequences as (
    select
        run_id,
        node_id,
        array_agg(meta->>'tool_name' order by execution_order) as tools
    from execution_events
    where ($run_id is null or ingest.of_run(run_id, id, $run_id))
        and event_type = 'tool_call'
        and (meta->>'marks') is null
    group by
        run_id,
        node_id
)

select
    tools,
    count(*) as frequency
from tool_sequences
group by tools
having count(*) >= $min_count
order by
    frequency desc,
    tools
