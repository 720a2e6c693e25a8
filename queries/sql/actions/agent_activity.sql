-- What does each agent do: how many actions, of which type, how fast?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--
-- Columns
--   agent_name       the agent
--   total_actions    actions
--   tool_calls       tool calls, those that the user's code marked with timed("tool_call", ...) among them, but not what is
--                    all of a call of the same name
--   decisions        decisions
--   errors           errors
--   avg_duration_ms  mean duration
select
    agent_name,
    count(*) as total_actions,
    count(*) filter (where action_type = 'tool_call') as tool_calls,
    count(*) filter (where action_type = 'decision') as decisions,
    count(*) filter (where action_type = 'error') as errors,
    round(favg(duration_ms), 6) as avg_duration_ms
from ingest.actions
where ($run_id is null or ingest.of_run(run_id, id, $run_id))
    and marks is null
group by agent_name
order by
    total_actions desc,
    agent_name
