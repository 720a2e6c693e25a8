-- Which responses of language models are poor, and why?
--
-- Parameters
--   threshold DOUBLE = 0.7  quality below this
--   run_id VARCHAR = NULL   one run; all runs where NULL
--   hours DOUBLE = NULL     only those of the last so many hours; all where NULL
--
-- Columns
--   run_id      the run
--   agent_name  who called
--   model       the model
--   quality     0 to 1
--   errors      checks that failed
--   warnings    checks that warn
--   response    the message that came back
--   started_at  when it was asked for, UTC
select
    run_id,
    agent_name,
    model,
    response_quality_score as quality,
    response_validation_errors as errors,
    response_warnings as warnings,
    ingest.answer(response) as response,
    started_at
from ingest.llm_calls  -- what llm_calls is made of, because no request is asked for here
where ($run_id is null or ingest.of_run(run_id, event_id, $run_id))
    and ($hours is null or epoch_us(started_at) >= epoch_us(now()) - $hours * 3600000000)
    and response_quality_score < $threshold
order by
    quality,
    run_id,
    started_at,
    event_id
