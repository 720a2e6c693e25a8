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
inner join executions
    on executions.run_id = logs.conversation_id and executions.id = logs.execution_id
where ($run_id is null or logs.conversation_id = $run_id)
    and ($run_id is null or executions.run_id = $run_id)
    and ($execution_id is null or logs.execution_id = try_cast($execution_id as uuid))
order by
    logs.created_at,
    executions.execution_order,
    logs.log_sequence
