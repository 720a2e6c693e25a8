-- How well does each agent perform, period by period?
--
-- Parameters
--   agent_name VARCHAR = NULL  one agent; all where NULL
--   period VARCHAR = 'day'     one of: hour, day, week, month, year
--   hours DOUBLE = NULL        only the last so many hours; all where NULL
--
-- Columns
--   agent_name    the agent; AG2's own agents, that choose the next speaker, only where asked for
--   period_start  when the period begins, UTC; NULL for sources without times
--   executions    turns, also those without words, and LLM calls and exceptions that belong to none, that began in the period
--   succeeded     executions that ended well
--   failed        executions that failed
--   timed_out     executions that ran out of time, by the rule of failed_executions
--   success_rate  share that ended well
--   mean_ms       mean duration
--   median_ms     median duration
--   p95_ms        95 of 100 took no longer
--   total_tokens  tokens of its LLM calls that began in the period, cached calls apart
--   cost          US dollars of the same
--   quality       mean quality of their responses, those of cached calls too, 0 to 1
with

chosen_executions as (
    select
        agent_name,
        date_trunc($period, created_at) as period_start,
        status,
        duration_ms,
        null as total_tokens,
        null as cost,
        null as quality
    from executions
    where $hours is null or epoch_us(created_at) >= epoch_us(now()) - $hours * 3600000000
),

calls as (
    select
        calls.agent_name,
        date_trunc($period, coalesce(calls.started_at, runs.started_at)) as period_start,
        null as status,
        null as duration_ms,
        if(calls.cached, 0, calls.total_tokens) as total_tokens,
        if(calls.cached, 0, calls.cost) as cost,
        calls.response_quality_score as quality
    from ingest.llm_calls as calls  -- what llm_calls is made of, because no request is asked for here
    left join runs
        on runs.run_id = calls.run_id
    where $hours is null
        or epoch_us(coalesce(calls.started_at, runs.started_at)) >= epoch_us(now()) - $hours * 3600000000
),

executions_and_calls as (
    select * from chosen_executions
    union all
    select * from calls
)

select
    agent_name,
    period_start,
    count(status) as executions,
    count(*) filter (where status = 'SUCCESS') as succeeded,
    count(*) filter (where status = 'FAILED') as failed,
    count(*) filter (where status = 'TIMEOUT') as timed_out,
    succeeded / nullif(executions, 0) as success_rate,
    round(favg(duration_ms), 6) as mean_ms,
    median(duration_ms) as median_ms,
    quantile_cont(duration_ms, 0.95) as p95_ms,
    sum(total_tokens)::bigint as total_tokens,
    round(fsum(cost), 10) as cost,
    round(favg(quality), 6) as quality
from executions_and_calls
where case
        when $agent_name is null then (agent_name in ('checking_agent', 'speaker_selection_agent')) is not true
        else agent_name = $agent_name
    end
group by
    agent_name,
    period_start
order by
    period_start nulls first,
    agent_name
