-- Which model takes how many tokens, dollars and seconds?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--
-- Columns
--   model              the model
--   calls              calls, cached ones among them
--   cached             calls that AG2's cache answered
--   failed             calls that failed
--   prompt_tokens      tokens sent; cached calls apart, here and in what follows, as in runs
--   completion_tokens  tokens received
--   total_tokens       both
--   cost               US dollars
--   mean_latency_ms    mean time from request to response, of all calls
--   p95_latency_ms     95 of 100 took no longer
select
    model,
    count(*) as calls,
    count(*) filter (where cached) as cached,
    count(*) filter (where status = 'failed') as failed,
    sum(if(cached, 0, prompt_tokens))::bigint as prompt_tokens,
    sum(if(cached, 0, completion_tokens))::bigint as completion_tokens,
    sum(if(cached, 0, total_tokens))::bigint as total_tokens,
    round(fsum(if(cached, 0, cost)), 10) as cost,
    round(favg(duration_ms), 6) as mean_latency_ms,
    quantile_cont(duration_ms, 0.95) as p95_latency_ms
from ingest.llm_calls  -- what llm_calls is made of, because no request is asked for here
where $run_id is null or ingest.of_run(run_id, event_id, $run_id)
group by model
order by
    cost desc nulls last,
    calls desc,
    model
