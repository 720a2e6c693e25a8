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
    stages.execution_id,
    executions.agent_name,
    stages.stage,
    stages.level,
    stages.message,
    stages.duration_ms,
    stages.error_message,
    stages.created_at
from ingest.stages_of($run_id) as stages
inner join executions
    on executions.run_id = stages.run_id and executions.id = stages.execution_id
where ($run_id is null or ingest.of_run(executions.run_id, executions.id, $run_id))
    and ($execution_id is null or stages.execution_id = try_cast($execution_id as uuid))
order by
    stages.created_at,
    executions.execution_order,
    stages.place,
    stages.execution_order
