-- What was sent to the language models, and what came back?
--
-- Parameters
--   run_id VARCHAR = LATEST      the run, where no execution is named; the latest where none is given, which is the one
--                               that started last (of runs without times, if there are no others, the last by name)
--   execution_id VARCHAR = NULL  one execution of an agent, of whatever run; all of the run where NULL
--   agent_name VARCHAR = NULL    one agent; all where NULL
--
-- Columns
--   execution_id                the turn that the call led to, or the call itself where it led to none
--   agent_name                  who called
--   model                       the model
--   status                      completed or failed
--   prompt                      the messages that were sent
--   response                    the message that came back
--   prompt_tokens               tokens sent
--   completion_tokens           tokens received
--   cost                        US dollars, as AG2 tells them of the call; of a cached one they were not spent
--   cached                      whether AG2's cache answered; the sums of other queries leave such calls apart
--   latency_ms                  time from request to response
--   error_message               why it failed
--   response_valid              no check found an error
--   response_quality_score      0 to 1, the share of checks passed
--   response_validation_errors  the error that a check found, a JSON list
--   response_warnings           checks that warn, a JSON list
select
    ingest.execution_of(events.id, events.event_subtype, events.parent_event_id) as execution_id,
    calls.agent_name,
    calls.model,
    calls.status,
    requests.messages as prompt,
    ingest.answer(calls.response) as response,
    calls.prompt_tokens,
    calls.completion_tokens,
    calls.cost,
    calls.cached,
    calls.duration_ms as latency_ms,
    calls.error_message,
    calls.response_valid,
    calls.response_quality_score,
    calls.response_validation_errors,
    calls.response_warnings
from ingest.llm_calls as calls
inner join execution_events as events
    on events.run_id = calls.run_id and events.id = calls.event_id
left join ingest.requests
    on requests.run_id = calls.run_id and requests.event_id = calls.event_id
where ($run_id is null or ingest.of_run(calls.run_id, calls.event_id, $run_id))
    and ($run_id is null or ingest.of_run(events.run_id, events.id, $run_id))
    and ($execution_id is null or execution_id = try_cast($execution_id as uuid))
    and ($agent_name is null or calls.agent_name = $agent_name)
order by events.execution_order
