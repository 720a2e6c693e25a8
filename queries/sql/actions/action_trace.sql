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
    actions.action_type,
    actions.action_name,
    actions.duration_ms,
    actions.action_details,
    actions.created_at
from agent_actions as actions
inner join execution_events as events
    on events.run_id = actions.correlation_id and events.id = actions.id
where ingest.of_run(actions.correlation_id, actions.id, $run_id)
order by events.execution_order
