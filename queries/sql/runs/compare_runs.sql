-- What differs between two sets of runs, such as before and after a change of prompt or model?
--
-- Parameters
--   before VARCHAR = NULL  one set: a pattern such as '202601*', or a tag's value; the older half where NULL
--   after VARCHAR = NULL   the other set, in the same way; all other runs where NULL
--   tag VARCHAR = NULL     name of the tag that tells the sets apart, or task, mode, model (that most of the run's calls
--                          used), ag2_version; run ids do where NULL
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
--   p_value         how often chance alone gives such a difference: Welch's t-test, but never rarer than one particular
--                   way of dealing these runs out to two sets
--   is_clear        enough runs, and a p_value below 0.05 even when multiplied by the number of metrics (Bonferroni)
with

models_of_runs as (
    select
        run_id,
        mode(model) as model
    from llm_calls
    where $tag = 'model'
    group by run_id
),

ranked_runs as (
    select
        runs.run_id,
        case
            when $tag is null then runs.run_id
            when (runs.tags->>$tag) is not null then runs.tags->>$tag
            when $tag = 'task' then runs.task
            when $tag = 'mode' then runs.mode
            when $tag = 'model' then models_of_runs.model
            when $tag = 'ag2_version' then runs.ag2_version
        end as name,
        row_number() over (order by runs.started_at nulls first, runs.run_id) as place,
        count(*) over () as runs
    from runs
    left join models_of_runs
        on models_of_runs.run_id = runs.run_id
),

sides as (
    select
        run_id,
        case
            when $before is null then place * 2 <= runs
            when $tag is null then name glob $before
            else name = $before
        end as is_before,
        case
            when $after is null then true
            when $tag is null then name glob $after
            else name = $after
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
        var_samp(measure.value) filter (where side = 'before') / before_runs as before_error,
        var_samp(measure.value) filter (where side = 'after') / after_runs as after_error
    from metrics_of_runs
    group by
        measure.place,
        measure.metric
),

differences as (
    select
        *,
        after_mean - before_mean as difference,
        sqrt(before_error + after_error) as standard_error,
        (before_error + after_error) ** 2
            / (before_error ** 2 / (before_runs - 1) + after_error ** 2 / (after_runs - 1)) as freedom,
        2 * exp(lgamma(before_runs + 1) + lgamma(after_runs + 1) - lgamma(before_runs + after_runs + 1)) as rarest
    from comparisons
),

-- t as the normal deviate of the same probability (Wallace 1959)
deviates as (
    select
        *,
        (8 * freedom + 1) / (8 * freedom + 3) * sqrt(freedom * ln(1 + (difference / standard_error) ** 2 / freedom)) as z,
        1 / (1 + 0.3275911 * z / sqrt(2)) as t
    from differences
),

-- the complement of the error function (Abramowitz and Stegun 7.1.26, to 1e-7)
tests as (
    select
        *,
        case
            when standard_error is null then null
            when difference = 0 then 1
            when standard_error = 0 then least(rarest, 1)
            else greatest(
                exp(-z * z / 2)
                * t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))),
                least(rarest, 1)
            )
        end as p_value
    from deviates
)

select
    metric,
    before_runs,
    after_runs,
    before_mean,
    after_mean,
    difference,
    standard_error,
    p_value,
    coalesce(
        least(before_runs, after_runs) >= greatest($min_runs, 2) and p_value * count(p_value) over () < 0.05, false
    ) as is_clear
from tests
order by place
