-- How much does each agent say, and how often with code or tool calls?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--
-- Columns
--   agent_name     the speaker
--   message_count  messages
--   code_messages  messages with code in them
--   tool_messages  messages that ask for tools
--   is_internal    whether all of it is AG2's own: to choose the next speaker, or to announce something to a group's members
select
    agent_name,
    count(*) as message_count,
    count(*) filter (where meta->>'has_code' = 'true') as code_messages,
    count(*) filter (where meta->>'has_tool_calls' = 'true') as tool_messages,
    bool_and((meta->>'internal') is not null) as is_internal
from execution_events
where ($run_id is null or ingest.of_run(run_id, id, $run_id))
    and event_type = 'agent_call'
    and event_subtype not in ('earlier', 'unspoken')  -- said before the run began, or nothing said
group by agent_name
order by
    message_count desc,
    agent_name
