-- Which tools does each agent call, and how well do they work?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--
-- Columns
--   tool             the tool
--   agent_name       who asked for it
--   usage_count      how often, calls that the user's code marked with timed("tool_call", ...) among them, but not what is
--                    all of a call of the same name
--   avg_result_size  mean length of the result in characters
--   success_count    how many calls worked
select
    meta->>'tool_name' as tool,
    agent_name,
    count(*) as usage_count,
    avg(try_cast(meta->>'result_length' as bigint)) as avg_result_size,
    count(*) filter (where status = 'completed') as success_count
from execution_events
where ($run_id is null or ingest.of_run(run_id, id, $run_id))
    and event_type = 'tool_call'
    and (meta->>'marks') is null
group by
    meta->>'tool_name',
    agent_name
order by
    usage_count desc,
    tool,
    agent_name
