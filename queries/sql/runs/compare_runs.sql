-- What differs between two sets of runs, such as before and after a change of prompt or model?
--
-- Parameters
--   before VARCHAR = NULL  one set: a run id, a pattern of run ids such as '202601*', or a tag's value; where NULL, all
--                          runs that are not in after; where both are NULL, the older half of the runs, or of a tag with
--                          exactly two values the one that began earlier
--   after VARCHAR = NULL   the other set, in the same way; a run that fits both is in before
--   tag VARCHAR = NULL     name of the tag that tells the sets apart, or task, mode, model (that most of the run's calls
--                          used), ag2_version; run ids do where NULL. Runs without the tag are in neither set
--   min_runs BIGINT = 5    runs that each set needs before a difference is called clear. With 5 in each set, no p_value can
--                          be low enough where more than 6 metrics have values; with 6 in each it can be for all 11
--
-- Columns
--   metric          what is compared, per run; completed (which only a journal tells), failed_code and failed_tools are
--                   shares from 0 to 1. tool_calls and failed_tools are of tools that agents called, without those that the
--                   user's code marked with timed("tool_call", ...); errors count each failure once; tokens and cost leave
--                   cached calls apart; messages have those of AG2's own agents in them
--   before_runs     runs in the one set that have it
--   after_runs      runs in the other set that have it
--   before_mean     mean of the one set
--   after_mean      mean of the other set
--   difference      after_mean - before_mean
--   standard_error  standard error of the difference
--   p_value         how often chance alone gives such a difference: Welch's t-test (within a tenth), but never rarer
--                   than one particular way of dealing these runs out to two sets, or the same the other way round
--   is_clear        enough runs, and a p_value below 0.05 even when multiplied by the number of metrics (Bonferroni)
--   before_set      what the one set is, with its number of runs
--   after_set       what the other set is, with its number of runs
with

tagged_runs as (
    select
        *,
        row_number() over (order by started_at nulls last, run_id) as place,
        count(started_at) over () as timed_runs
    from ingest.named_runs($tag)
),

-- a run whose very id is given is meant alone, although other ids may fit it as a pattern
named_runs as (
    select
        *,
        if(bool_or(name = $before) over (), name = $before, name glob $before) as fits_before,
        if(bool_or(name = $after) over (), name = $after, name glob $after) as fits_after
    from tagged_runs
),

values_of_tag as (
    select
        name,
        row_number() over (order by min(started_at) nulls last, name) as place,
        count(*) over () as values
    from named_runs
    where $tag is not null
        and name is not null
    group by name
),

sides as (
    select
        named_runs.run_id,
        named_runs.started_at,
        named_runs.name,
        case
            when $tag is null and $before is not null then named_runs.fits_before
            when $tag is null and $after is not null then not named_runs.fits_after
            when $tag is null then named_runs.timed_runs >= 2 and named_runs.place * 2 <= named_runs.timed_runs
            when $before is not null then named_runs.name = $before
            when $after is not null then named_runs.name <> $after
            else values_of_tag.values = 2 and values_of_tag.place = 1
        end as is_before,
        case
            when $tag is null and $after is not null then named_runs.fits_after
            when $tag is null and $before is not null then not named_runs.fits_before
            when $tag is null then named_runs.timed_runs >= 2 and named_runs.started_at is not null
            when $after is not null then named_runs.name = $after
            when $before is not null then named_runs.name <> $before
            else values_of_tag.values = 2 and values_of_tag.place = 2
        end as is_after
    from named_runs
    left join values_of_tag
        on values_of_tag.name = named_runs.name
),

sides_in_words as (
    select
        concat(
            case
                when $tag is null and $before is not null then concat('run_id ', $before)
                when $tag is null and $after is not null then concat('run_id not ', $after)
                when $tag is null then concat('started until ', max(started_at) filter (where is_before))
                when $before is not null then concat($tag, ' = ', $before)
                when $after is not null then concat($tag, ' other than ', $after)
                else concat($tag, ' = ', max(name) filter (where is_before))
            end,
            ' (runs: ', count(*) filter (where is_before), ')'
        ) as before_set,
        concat(
            case
                when $tag is null and $after is not null then concat('run_id ', $after)
                when $tag is null and $before is not null then concat('run_id not ', $before)
                when $tag is null then concat('started from ', min(started_at) filter (where is_after and not is_before))
                when $after is not null then concat($tag, ' = ', $after)
                when $before is not null then concat($tag, ' other than ', $before)
                else concat($tag, ' = ', max(name) filter (where is_after))
            end,
            ' (runs: ', count(*) filter (where is_after and not is_before), ')'
        ) as after_set
    from sides
),

work as (
    select
        run_id,
        avg((status = 'failed')::integer) filter (where event_type = 'code_exec') as failed_code,
        avg((status = 'failed')::integer)
            filter (where event_type = 'tool_call' and event_subtype <> 'action') as failed_tools
    from execution_events
    where (event_type in ('code_exec', 'tool_call')) is true
        and status <> 'pending'
    group by run_id
),

metrics_of_runs as (
    select
        if(sides.is_before, 'before', 'after') as side,
        unnest([
            {
                'place': 1,
                'metric': 'completed',
                'value': if(runs.source_format = 'journal', (runs.status = 'completed')::integer::double, null)
            },
            {'place': 2, 'metric': 'duration_ms', 'value': runs.duration_ms},
            {'place': 3, 'metric': 'messages', 'value': runs.messages::double},
            -- chats alone say nothing of them
            {
                'place': 4,
                'metric': 'llm_calls',
                'value': if(runs.source_format in ('transcript', 'ag2_events'), null, runs.llm_calls::double)
            },
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

-- in the order of the values, because the last digits of such sums depend on it
comparisons as (
    select
        measure.place,
        measure.metric,
        count(measure.value) filter (where side = 'before') as before_runs,
        count(measure.value) filter (where side = 'after') as after_runs,
        avg(measure.value order by measure.value) filter (where side = 'before') as before_mean,
        avg(measure.value order by measure.value) filter (where side = 'after') as after_mean,
        var_samp(measure.value order by measure.value) filter (where side = 'before') / before_runs as before_error,
        var_samp(measure.value order by measure.value) filter (where side = 'after') / after_runs as after_error
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
    tests.metric,
    tests.before_runs,
    tests.after_runs,
    round(tests.before_mean, 10) as before_mean,
    round(tests.after_mean, 10) as after_mean,
    round(tests.difference, 10) as difference,
    round(tests.standard_error, 10) as standard_error,
    tests.p_value,
    coalesce(
        least(tests.before_runs, tests.after_runs) >= greatest($min_runs, 2)
        and tests.p_value * count(tests.p_value) over () < 0.05,
        false
    ) as is_clear,
    sides_in_words.before_set,
    sides_in_words.after_set
from tests
cross join sides_in_words
order by tests.place
