-- Who called whom in one run, and what was handed over?
--
-- Parameters
--   run_id VARCHAR = LATEST  the run; the latest where none is given, which is the one that started last (of runs
--                           without times, if there are no others, the last by name)
--
-- Columns
--   call_sequence  its place among the calls
--   call_depth     0 for a turn, 1 for what it called, and so on
--   caller         the agent that called; of a turn, who said what it answers
--   callee         the agent, model, tool or executor of code that was called
--   call_type      agent_call, llm_call, tool_call or code_exec
--   status         completed, failed or pending
--   duration_ms    how long it took
--   data_passed    what was handed over: to an agent, what the turn that it answers said
--   data_returned  what came back: from an agent, what it said
select
    row_number() over (order by execution_order) - 1 as call_sequence,
    call_depth,
    caller,
    callee,
    call_type,
    status,
    duration_ms,
    data_passed,
    data_returned
from ingest.calls_of($run_id)
where $run_id is not null
order by execution_order
