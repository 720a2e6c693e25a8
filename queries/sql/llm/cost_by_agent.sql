-- Which agent spends how many tokens and dollars?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--
-- Columns
--   agent_name         who called the language model
--   calls              calls
--   cached             calls that AG2's cache answered
--   failed             calls that failed
--   prompt_tokens      tokens sent
--   completion_tokens  tokens received
--   total_tokens       both
--   cost               US dollars
--   cost_share         share of all cost
--   avg_latency_ms     mean time from request to response
select
    agent_name,
    count(*) as calls,
    count(*) filter (where cached) as cached,
    count(*) filter (where status = 'failed') as failed,
    sum(prompt_tokens)::bigint as prompt_tokens,
    sum(completion_tokens)::bigint as completion_tokens,
    sum(total_tokens)::bigint as total_tokens,
    sum(cost) as cost,
    sum(cost) / nullif(sum(sum(cost)) over (), 0) as cost_share,
    avg(duration_ms) as avg_latency_ms
from llm_calls
where $run_id is null or run_id = $run_id
group by agent_name
order by
    cost desc nulls last,
    total_tokens desc nulls last,
    agent_name
