-- How often was each tool called as an action, and how long did it take?
--
-- Parameters
--   run_id VARCHAR = NULL              one run; all runs where NULL
--   action_type VARCHAR = 'tool_call'  one of: tool_call, decision, error, success, all
--
-- Columns
--   action_name      the tool, or what was decided, raised or reached
--   call_count       how often; of tools, calls that the user's code marked with timed("tool_call", ...) among them, but
--                    not what is all of a call of the same name
--   avg_duration_ms  mean duration
--   max_duration_ms  longest duration
select
    action_name,
    count(*) as call_count,
    round(favg(duration_ms), 6) as avg_duration_ms,
    max(duration_ms) as max_duration_ms
from ingest.actions
where ($run_id is null or ingest.of_run(run_id, id, $run_id))
    and ($action_type = 'all' or action_type = $action_type)
    and marks is null
group by action_name
order by
    call_count desc,
    action_name
