-- How did each execution of code end?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--
-- Columns
--   run_id           the run
--   execution_order  its place in the run
--   agent_name       who wrote the code
--   status           completed or failed
--   exit_code        its exit code
--   error_type       what was raised, where the output tells it
--   output           what it printed, an error's text included
--   flagged_error    true where it failed, as text
select
    run_id,
    execution_order,
    agent_name,
    status,
    try_cast(outputs->>'exit_code' as integer) as exit_code,
    meta->>'error_type' as error_type,
    outputs->>'result' as output,
    meta->>'has_error' as flagged_error
from execution_events
where ($run_id is null or ingest.of_run(run_id, id, $run_id))
    and event_type = 'code_exec'
order by
    run_id,
    execution_order
