-- How well does each agent perform, period by period?
--
-- Parameters
--   agent_name VARCHAR = NULL  one agent; all where NULL
--   period VARCHAR = 'day'     one of: hour, day, week, month, year
--   hours DOUBLE = NULL        only the last so many hours; all where NULL
--
-- Columns
--   agent_name    the agent
--   period_start  when the period begins, UTC; NULL for sources without times
--   executions    turns, and LLM calls that led to none
--   succeeded     executions that ended well
--   failed        executions that failed
--   timed_out     executions that ran out of time
--   success_rate  share that ended well
--   mean_ms       mean duration
--   median_ms     median duration
--   p95_ms        95 of 100 took no longer
--   total_tokens  tokens of the last LLM call of each execution
--   cost          US dollars of the same
--   quality       mean quality of the responses, 0 to 1
select
    agent_name,
    date_trunc($period, created_at) as period_start,
    count(*) as executions,
    count(*) filter (where status = 'SUCCESS') as succeeded,
    count(*) filter (where status = 'FAILED') as failed,
    count(*) filter (where status = 'TIMEOUT') as timed_out,
    count(*) filter (where status = 'SUCCESS') / count(*) as success_rate,
    avg(duration_ms) as mean_ms,
    median(duration_ms) as median_ms,
    quantile_cont(duration_ms, 0.95) as p95_ms,
    sum(total_tokens)::bigint as total_tokens,
    sum(cost) as cost,
    avg(response_quality_score) as quality
from agent_executions
where ($agent_name is null or agent_name = $agent_name)
    and ($hours is null or epoch_us(created_at) >= epoch_us(now()) - $hours * 3600000000)
group by
    agent_name,
    date_trunc($period, created_at)
order by
    period_start nulls first,
    agent_name
