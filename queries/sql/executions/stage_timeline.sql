-- Through which stages did the executions of one run go?
--
-- Parameters
--   run_id VARCHAR = LATEST      the run, where no execution is named; the latest where none is given, which is the one
--                               that started last (of runs without times, if there are no others, the last by name)
--   execution_id VARCHAR = NULL  one execution of an agent, of whatever run; all of the run where NULL
--
-- Columns
--   execution_id   the execution
--   agent_name     the agent
--   stage          INIT, SHOULD_RESPOND, LLM_CALL, POST_PROCESS or COMPLETE
--   level          info, or error where the stage failed
--   message        what happened
--   duration_ms    how long it took, where that is known
--   error_message  why it failed
--   created_at     when it began, UTC; of COMPLETE when the words were said. The rows are in this order
with

logs as (
    select *
    from agent_execution_logs
    where ($run_id is null or conversation_id = $run_id)
        and ($execution_id is null or execution_id = try_cast($execution_id as uuid))
)

select
    logs.execution_id,
    events.agent_name,
    logs.stage,
    logs.level,
    logs.message,
    logs.duration_ms,
    logs.error_message,
    logs.created_at
from logs
inner join execution_events as events
    on events.run_id = logs.conversation_id and events.id = logs.execution_id
where $run_id is null or events.run_id = $run_id
order by
    logs.created_at,
    events.execution_order,
    logs.log_sequence
