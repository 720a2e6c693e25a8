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
    row_number() over (order by events.execution_order) - 1 as call_sequence,
    events.depth as call_depth,
    if(events.event_type = 'agent_call', answered.agent_name, events.agent_name) as caller,
    case events.event_type
        when 'agent_call' then events.agent_name
        when 'llm_call' then events.meta->>'model'
        when 'tool_call' then events.meta->>'tool_name'
        else coalesce(events.meta->>'executor', events.inputs->>'language')
    end as callee,
    events.event_type as call_type,
    events.status,
    events.duration_ms,
    case
        when events.event_type <> 'agent_call' then events.inputs
        when answered.id is distinct from events.parent_event_id then answered.outputs
    end as data_passed,
    events.outputs as data_returned
from execution_events as events
left join executions
    on executions.id = events.id
    and executions.is_turn
    and ingest.of_run(executions.run_id, executions.id, $run_id)
left join execution_events as answered
    on answered.id = executions.answered_id
    and ingest.of_run(answered.run_id, answered.id, $run_id)
where ingest.of_run(events.run_id, events.id, $run_id)
    and (events.event_type in ('agent_call', 'llm_call', 'tool_call', 'code_exec')) is true
order by events.execution_order
