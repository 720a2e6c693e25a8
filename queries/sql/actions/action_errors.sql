-- Which errors does each agent run into, in its code, as exceptions or as the user marked them?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--
-- Columns
--   agent_name     the agent
--   action_name    what was raised
--   error_message  its message
--   error_count    how often; tool calls that failed are no errors here, see `errors`
select
    agent_name,
    action_name,
    action_details->>'error_message' as error_message,
    count(*) as error_count
from ingest.actions
where ($run_id is null or ingest.of_run(run_id, id, $run_id))
    and action_type = 'error'
group by
    agent_name,
    action_name,
    action_details->>'error_message'
order by
    error_count desc,
    agent_name,
    action_name,
    error_message
