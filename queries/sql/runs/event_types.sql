-- What happened in a run, counted by type of event?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--
-- Columns
--   event_type  agent_call, tool_call, code_exec, file_gen, handoff, llm_call, decision, error, success
--   events      how many; of agent_call and llm_call, those of AG2's own agents, that choose the next speaker, too; of
--               tool_call what the user's code marked as well, also in a call of the same name
--   failed      how many of them failed
select
    event_type,
    count(*) as events,
    count(*) filter (where status = 'failed') as failed
from execution_events
where $run_id is null or ingest.of_run(run_id, id, $run_id)
group by event_type
order by
    events desc,
    event_type
