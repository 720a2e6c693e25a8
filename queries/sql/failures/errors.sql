-- What goes wrong, how often, and where?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--   min_count BIGINT = 1   how often, at least
--
-- Columns
--   event_type  what failed: code_exec, tool_call, llm_call, error ...
--   what        the language, tool or model
--   error_type  what was raised, where that is known
--   count       how often
--   runs        in how many runs
--   agents      whose code, call or turn it was
--   example     one error message
select
    event_type,
    coalesce(meta->>'tool_name', meta->>'language', meta->>'model', meta->>'action_name') as what,
    meta->>'error_type' as error_type,
    count(*) as count,
    count(distinct run_id) as runs,
    array_agg(distinct agent_name order by agent_name) as agents,
    min(error_message) as example
from execution_events
where ($run_id is null or run_id = $run_id)
    and status = 'failed'
    and event_type <> 'file_gen'  -- a file fails with the code that was to write it
group by all
having count(*) >= $min_count
order by
    count desc,
    event_type,
    what,
    error_type
