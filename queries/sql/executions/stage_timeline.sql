-- Through which stages did the executions of one run go?
--
-- Parameters
--   run_id VARCHAR = NULL        the run; the latest one where NULL
--   execution_id VARCHAR = NULL  one execution of it; all where NULL
--
-- Columns
--   execution_id   the execution
--   agent_name     the agent
--   stage          INIT, SHOULD_RESPOND, LLM_CALL, POST_PROCESS or COMPLETE
--   level          info, or error where the stage failed
--   message        what happened
--   duration_ms    how long it took, where that is known
--   error_message  why it failed
--   created_at     when, UTC
with

chosen_run as (
    select run_id
    from runs
    where $run_id is null or run_id = $run_id
    order by
        started_at desc nulls last,
        run_id desc
    limit 1
),

executions as (
    select
        events.id,
        events.execution_order,
        events.agent_name
    from execution_events as events
    inner join chosen_run
        on chosen_run.run_id = events.run_id
)

select
    logs.execution_id,
    executions.agent_name,
    logs.stage,
    logs.level,
    logs.message,
    logs.duration_ms,
    logs.error_message,
    logs.created_at
from agent_execution_logs as logs
inner join chosen_run
    on chosen_run.run_id = logs.conversation_id
inner join executions
    on executions.id = logs.execution_id
where $execution_id is null or logs.execution_id::varchar = $execution_id
order by
    executions.execution_order,
    logs.log_sequence
