-- Which executions of agents failed, at which stage, and why?
--
-- Parameters
--   run_id VARCHAR = NULL      one run; all runs where NULL
--   agent_name VARCHAR = NULL  one agent; all where NULL
--   hours DOUBLE = NULL        only those of the last so many hours; all where NULL
--
-- Columns
--   conversation_id  the run
--   execution_id     the execution
--   agent_name       the agent
--   status           FAILED or TIMEOUT: exit code 124, an error type with `timeout` in its name, `Error code: ` 408, 504
--                    or 524, or a message whose first line states that time ran out (`timed out`, `timeout exceeded`, `Timeout` alone); not the mere word,
--                    and no KeyError, TypeError or other error of programming
--   stage            the stage that failed: LLM_CALL, POST_PROCESS (tools and code) or COMPLETE
--   error_type       what was raised, where that is known
--   error_message    why
--   error_traceback  Python's traceback, where it was recorded or the output has one
--   created_at       when it began, UTC
select
    executions.run_id as conversation_id,
    executions.id as execution_id,
    executions.agent_name,
    executions.status,
    executions.failed_stage as stage,
    executions.error_type,
    errors.error_message,
    ingest.traceback(events.meta, events.outputs) as error_traceback,
    executions.created_at
from executions
left join execution_events as events
    on events.run_id = executions.run_id
    and events.execution_order = executions.failure_order
    and events.status = 'failed'
    and ($run_id is null or ingest.of_run(events.run_id, events.id, $run_id))
left join execution_events as errors
    on errors.run_id = executions.run_id
    and errors.execution_order = executions.error_order
    and ($run_id is null or ingest.of_run(errors.run_id, errors.id, $run_id))
where ($run_id is null or ingest.of_run(executions.run_id, executions.id, $run_id))
    and ($agent_name is null or executions.agent_name = $agent_name)
    and ($hours is null or epoch_us(executions.created_at) >= epoch_us(now()) - $hours * 3600000000)
    and executions.failed_stage is not null
order by
    executions.created_at desc nulls last,
    executions.run_id,
    executions.execution_order
