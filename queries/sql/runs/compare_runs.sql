-- What differs between two sets of runs, such as before and after a change of prompt or model?
--
-- Parameters
--   before VARCHAR = NULL  one set: a pattern such as '202601*', or a tag's value; the older half where NULL
--   after VARCHAR = NULL   the other set, in the same way; all other runs where NULL
--   tag VARCHAR = NULL     name of the tag that tells the sets apart; run ids do where NULL
--   min_runs BIGINT = 5    runs that each set needs before a difference is called clear
--
-- Columns
--   metric          what is compared, per run; completed, failed_code and failed_tools are shares from 0 to 1
--   before_runs     runs in the one set that have it
--   after_runs      runs in the other set that have it
--   before_mean     mean of the one set
--   after_mean      mean of the other set
--   difference      after_mean - before_mean
--   standard_error  standard error of the difference
--   is_clear        enough runs, and a difference of more than two standard errors
with

ranked_runs as (
    select
        *,
        row_number() over (order by started_at nulls first, run_id) as place,
        count(*) over () as runs
    from runs
),

sides as (
    select
        run_id,
        case
            when $before is null then place * 2 <= runs
            when $tag is null then run_id glob $before
            else tags->>$tag = $before
        end as is_before,
        case
            when $after is null then true
            when $tag is null then run_id glob $after
            else tags->>$tag = $after
        end as is_after
    from ranked_runs
),

work as (
    select
        run_id,
        avg((status = 'failed')::integer) filter (where event_type = 'code_exec') as failed_code,
        avg((status = 'failed')::integer) filter (where event_type = 'tool_call') as failed_tools
    from execution_events
    where event_type in ('code_exec', 'tool_call')
        and status <> 'pending'
    group by run_id
),

metrics_of_runs as (
    select
        if(coalesce(sides.is_before, false), 'before', 'after') as side,
        unnest([
            {'place': 1, 'metric': 'completed', 'value': (runs.status = 'completed')::integer::double},
            {'place': 2, 'metric': 'duration_ms', 'value': runs.duration_ms},
            {'place': 3, 'metric': 'messages', 'value': runs.messages::double},
            {'place': 4, 'metric': 'llm_calls', 'value': runs.llm_calls::double},
            {'place': 5, 'metric': 'tool_calls', 'value': runs.tool_calls::double},
            {'place': 6, 'metric': 'code_execs', 'value': runs.code_execs::double},
            {'place': 7, 'metric': 'failed_code', 'value': work.failed_code::double},
            {'place': 8, 'metric': 'failed_tools', 'value': work.failed_tools::double},
            {'place': 9, 'metric': 'errors', 'value': runs.errors::double},
            {'place': 10, 'metric': 'total_tokens', 'value': runs.total_tokens::double},
            {'place': 11, 'metric': 'cost', 'value': runs.cost::double}
        ]) as measure
    from runs
    inner join sides
        on sides.run_id = runs.run_id
    left join work
        on work.run_id = runs.run_id
    where sides.is_before
        or sides.is_after
),

comparisons as (
    select
        measure.place,
        measure.metric,
        count(measure.value) filter (where side = 'before') as before_runs,
        count(measure.value) filter (where side = 'after') as after_runs,
        avg(measure.value) filter (where side = 'before') as before_mean,
        avg(measure.value) filter (where side = 'after') as after_mean,
        var_samp(measure.value) filter (where side = 'before') as before_variance,
        var_samp(measure.value) filter (where side = 'after') as after_variance
    from metrics_of_runs
    group by
        measure.place,
        measure.metric
),

comparisons_with_error as (
    select
        *,
        after_mean - before_mean as difference,
        sqrt(before_variance / before_runs + after_variance / after_runs) as standard_error
    from comparisons
)

select
    metric,
    before_runs,
    after_runs,
    before_mean,
    after_mean,
    difference,
    standard_error,
    coalesce(
        least(before_runs, after_runs) >= greatest($min_runs, 2) and abs(difference) > 2 * standard_error, false
    ) as is_clear
from comparisons_with_error
order by place
