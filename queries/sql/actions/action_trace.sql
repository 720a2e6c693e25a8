-- Which actions make up one run, in order?
--
-- Parameters
--   run_id VARCHAR = NULL  the run; the latest one where NULL
--
-- Columns
--   action_type     tool_call, decision, error or success
--   action_name     the tool, what was decided, what was raised
--   duration_ms     how long it took
--   action_details  parameters and results
--   created_at      when it began, UTC
with

chosen_run as (
    select run_id
    from runs
    where $run_id is null or run_id = $run_id
    order by
        started_at desc nulls last,
        run_id desc
    limit 1
)

select
    actions.action_type,
    actions.action_name,
    actions.duration_ms,
    actions.action_details,
    actions.created_at
from agent_actions as actions
inner join chosen_run
    on chosen_run.run_id = actions.correlation_id
inner join execution_events as events
    on events.run_id = chosen_run.run_id and events.id = actions.id
order by events.execution_order
