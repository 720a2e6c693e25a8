-- What happened in one run, from beginning to end?
--
-- Parameters
--   run_id VARCHAR = LATEST  the run; the latest where none is given, which is the one that started last (of runs
--                           without times, if there are no others, the last by name)
--
-- Columns
--   execution_order  its place in the run
--   timestamp        when it began, UTC; the rows are in this order
--   event            event_type, indented by depth
--   agent_name       who did it
--   what             tool, language, file, model, or the beginning of what was said (of no words, the tools called)
--   status           completed, failed or pending
--   duration_ms      how long it took
--   error_message    why it failed
select
    events.execution_order,
    events.timestamp,
    repeat('  ', least(events.depth, 20)) || events.event_type as event,
    events.agent_name,
    case events.event_type
        when 'agent_call' then coalesce(
            nullif(left(events.outputs->>'full_content', 80), ''),
            'calls ' || nullif(array_to_string(events.outputs->>'$.tool_calls[*].function.name', ', '), '')
        )
        when 'handoff' then concat('to ', events.inputs->>'to_agent')
        else coalesce(
            events.meta->>'action_name',
            events.meta->>'tool_name',
            events.meta->>'file_path',
            events.meta->>'language',
            events.meta->>'model'
        )
    end as what,
    events.status,
    events.duration_ms,
    events.error_message
from execution_events as events
where ingest.of_run(events.run_id, events.id, $run_id)
order by
    events.event_subtype is distinct from 'earlier',
    events.timestamp,
    events.execution_order
