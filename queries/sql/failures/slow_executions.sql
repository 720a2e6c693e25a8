-- Which executions of agents took long, and how much of it was the language model?
--
-- Parameters
--   threshold_ms DOUBLE = 5000  slower than this
--   run_id VARCHAR = NULL       one run; all runs where NULL
--   hours DOUBLE = NULL         only those of the last so many hours; all where NULL
--
-- Columns
--   conversation_id  the run
--   execution_id     the execution
--   agent_name       the agent
--   status           how it ended
--   duration_ms      how long it took
--   llm_latency_ms   how long its last LLM call took
--   overhead_ms      the rest: tools, code and AG2 itself
--   created_at       when it began, UTC
select
    conversation_id,
    id as execution_id,
    agent_name,
    status,
    duration_ms,
    llm_latency_ms,
    duration_ms - coalesce(llm_latency_ms, 0) as overhead_ms,
    created_at
from agent_executions
where ($run_id is null or conversation_id = $run_id)
    and ($hours is null or epoch_us(created_at) >= epoch_us(now()) - $hours * 3600000000)
    and duration_ms > $threshold_ms
order by
    duration_ms desc,
    conversation_id,
    call_sequence
