-- What did the language models answer, and how good were the answers?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--
-- Columns
--   agent_name                  who asked
--   llm_model                   the model
--   response                    the text of the answer, as JSON
--   response_quality_score      0 to 1
--   response_validation_errors  checks that failed
select
    calls.agent_name,
    calls.model as llm_model,
    events.outputs->'content' as response,
    calls.response_quality_score,
    calls.response_validation_errors
from executions  -- each with its last call
inner join ingest.llm_calls as calls  -- what llm_calls is made of, because no request is asked for here
    on calls.run_id = executions.run_id and calls.event_id = executions.call_id
inner join execution_events as events
    on events.run_id = calls.run_id and events.id = calls.event_id
where ($run_id is null or ingest.of_run(executions.run_id, executions.id, $run_id))
    and ($run_id is null or ingest.of_run(calls.run_id, calls.event_id, $run_id))
    and ($run_id is null or ingest.of_run(events.run_id, events.id, $run_id))
    and events.event_type = 'llm_call'
    and calls.status = 'completed'
    and calls.response is not null
    and (calls.response_quality_score is not null or ingest.answer(calls.response) is not null)  -- of a known shape
order by
    calls.started_at desc nulls last,
    calls.run_id,
    calls.event_id
