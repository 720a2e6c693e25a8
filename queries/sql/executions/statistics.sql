-- How are the agents doing over all?
--
-- Parameters
--   hours DOUBLE = NULL  only runs that started in the last so many hours; all where NULL
--
-- Columns
--   runs               runs
--   completed_runs     runs that ended well; only a journal tells, and all others count as completed
--   executions         executions of agents; without AG2's own, that choose the next speaker, here and in the times
--   succeeded          executions that ended well
--   failed             executions that failed
--   timed_out          executions that ran out of time, by the rule of failed_executions
--   success_rate       share of executions that ended well
--   mean_ms            mean duration of an execution
--   median_ms          median duration
--   p95_ms             95 of 100 took no longer
--   llm_calls          calls of a language model, cached ones and those of AG2's own agents among them
--   total_tokens       their tokens, cached calls apart
--   cost               their cost in US dollars, cached calls apart
--   invalid_responses  responses that failed a check
--   quality            mean quality of the responses, 0 to 1
with

chosen_runs as (
    select
        run_id,
        status
    from runs
    where $hours is null or epoch_us(started_at) >= epoch_us(now()) - $hours * 3600000000
),

run_totals as (
    select
        count(*) as runs,
        count(*) filter (where status = 'completed') as completed_runs
    from chosen_runs
),

execution_totals as (
    select
        count(*) as executions,
        count(*) filter (where executions.status = 'SUCCESS') as succeeded,
        count(*) filter (where executions.status = 'FAILED') as failed,
        count(*) filter (where executions.status = 'TIMEOUT') as timed_out,
        count(*) filter (where executions.status = 'SUCCESS') / nullif(count(*), 0) as success_rate,
        round(favg(executions.duration_ms), 6) as mean_ms,
        median(executions.duration_ms) as median_ms,
        quantile_cont(executions.duration_ms, 0.95) as p95_ms
    from executions
    inner join chosen_runs
        on chosen_runs.run_id = executions.run_id
    where (executions.agent_name in ('checking_agent', 'speaker_selection_agent')) is not true
),

llm_totals as (
    select
        count(*) as llm_calls,
        sum(if(calls.cached, 0, calls.total_tokens))::bigint as total_tokens,
        round(fsum(if(calls.cached, 0, calls.cost)), 10) as cost,
        count(*) filter (where not calls.response_valid) as invalid_responses,
        round(favg(calls.response_quality_score), 6) as quality
    from ingest.llm_calls as calls  -- what llm_calls is made of, because no request is asked for here
    inner join chosen_runs
        on chosen_runs.run_id = calls.run_id
)

select
    runs,
    completed_runs,
    executions,
    succeeded,
    failed,
    timed_out,
    success_rate,
    mean_ms,
    median_ms,
    p95_ms,
    llm_calls,
    total_tokens,
    cost,
    invalid_responses,
    quality
from run_totals
cross join execution_totals
cross join llm_totals
