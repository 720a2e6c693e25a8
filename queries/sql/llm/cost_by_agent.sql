-- Which agent spends how many tokens and dollars?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--
-- Columns
--   agent_name         who called the language model; AG2's own agents, that choose the next speaker, too, as it is spent
--   calls              calls, cached ones among them
--   cached             calls that AG2's cache answered
--   failed             calls that failed
--   prompt_tokens      tokens sent; cached calls apart, here and in what follows, as in runs
--   completion_tokens  tokens received
--   total_tokens       both
--   cost               US dollars
--   cost_share         share of all cost
--   avg_latency_ms     mean time from request to response, of all calls
select
    agent_name,
    count(*) as calls,
    count(*) filter (where cached) as cached,
    count(*) filter (where status = 'failed') as failed,
    sum(if(cached, 0, prompt_tokens))::bigint as prompt_tokens,
    sum(if(cached, 0, completion_tokens))::bigint as completion_tokens,
    sum(if(cached, 0, total_tokens))::bigint as total_tokens,
    round(fsum(if(cached, 0, cost)), 10) as cost,
    round(fsum(if(cached, 0, cost)) / nullif(fsum(fsum(if(cached, 0, cost))) over (), 0), 10) as cost_share,
    round(favg(duration_ms), 6) as avg_latency_ms
from ingest.llm_calls  -- what llm_calls is made of, because no request is asked for here
where $run_id is null or ingest.of_run(run_id, event_id, $run_id)
group by agent_name
order by
    cost desc nulls last,
    total_tokens desc nulls last,
    agent_name
