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
--   status           FAILED or TIMEOUT: exit code 124, an error type with `timeout` in its name, or a message whose first
--                    line states that time ran out (`timed out`, `timeout exceeded`, `Timeout` alone); not the mere word,
--                    and no KeyError, TypeError or other error of programming
--   stage            the stage that failed: LLM_CALL, POST_PROCESS (tools and code) or COMPLETE
--   error_type       what was raised, where that is known
--   error_message    why
--   error_traceback  Python's traceback, where the output has one
--   created_at       when it began, UTC
select
    run_id as conversation_id,
    id as execution_id,
    agent_name,
    status,
    failed_stage as stage,
    error_type,
    error_message,
    error_traceback,
    created_at
from executions
where ($run_id is null or ingest.of_run(run_id, id, $run_id))
    and ($agent_name is null or agent_name = $agent_name)
    and ($hours is null or epoch_us(created_at) >= epoch_us(now()) - $hours * 3600000000)
    and failed_stage is not null
order by
    created_at desc nulls last,
    run_id,
    execution_order
