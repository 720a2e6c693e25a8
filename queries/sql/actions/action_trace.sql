-- Which actions make up one run, in order?
--
-- Parameters
--   run_id VARCHAR = LATEST  the run; the latest where none is given, which is the one that started last (of runs
--                           without times, if there are no others, the last by name)
--
-- Columns
--   action_type     tool_call, decision, error or success
--   action_name     the tool, what was decided, what was raised
--   duration_ms     how long it took
--   action_details  parameters and results
--   created_at      when it began, UTC
select
    action_type,
    action_name,
    duration_ms,
    action_details,
    created_at
from ingest.actions
where ingest.of_run(run_id, id, $run_id)
order by execution_order
