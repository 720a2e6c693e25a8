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
with

-- an execution of an agent is a turn with its last call, or a call that led to no turn
last_calls as (
    select
        run_id,
        arg_max(id, execution_order) as call_id
    from execution_events
    where ($run_id is null or ingest.of_run(run_id, id, $run_id))
        and event_type = 'llm_call'
    group by
        run_id,
        coalesce(parent_event_id, id)
),

answers as (
    select
        calls.run_id,
        calls.event_id,
        calls.agent_name,
        calls.model,
        json_extract(calls.response, ['$.choices[0].message', '$.choices[0].message.content']) as message_and_content,
        calls.response_quality_score,
        calls.response_validation_errors,
        calls.started_at
    from ingest.llm_calls as calls  -- what llm_calls is made of, because no request is asked for here
    inner join last_calls
        on last_calls.run_id = calls.run_id and last_calls.call_id = calls.event_id
    where ($run_id is null or ingest.of_run(calls.run_id, calls.event_id, $run_id))
        and calls.status = 'completed'
)

select
    agent_name,
    model as llm_model,
    message_and_content[2] as response,
    response_quality_score,
    response_validation_errors
from answers
where message_and_content[1] is not null
order by
    started_at desc nulls last,
    run_id,
    event_id
