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
    agent_name,
    llm_model,
    llm_response->'content' as response,
    response_quality_score,
    response_validation_errors
from agent_executions
where ($run_id is null or conversation_id = $run_id)
    and llm_response is not null
order by
    created_at desc nulls last,
    conversation_id,
    call_sequence
