-- Which tools, or agents, come in the same order in many runs, whatever happens between them?
--
-- Parameters
--   kind VARCHAR = 'tool'      one of: tool, agent; steps are tool calls, or turns
--   min_runs BIGINT = 2        runs that it appears in, at least
--   min_length BIGINT = 2      steps, at least
--   max_length BIGINT = 3      steps, at most
--   max_patterns BIGINT = 200  patterns of each length that are followed further: the most frequent
--
-- Columns
--   steps    names of the tools or agents, in order
--   length   steps in the pattern
--   runs     in how many runs it appears, however often in each
--   support  share of the runs that have any such step
--   cut      patterns of this length that max_patterns dropped; longer ones that begin with them are missing
with recursive

steps as (
    select
        run_id,
        execution_order as place,
        if($kind = 'agent', agent_name, meta->>'tool_name') as step
    from execution_events
    where event_type = if($kind = 'agent', 'agent_call', 'tool_call')
        and (meta->>'internal') is null  -- AG2's own agents that select the next speaker
),

-- growing a pattern at the first place where it can stand, as PrefixSpan does, finds every run that has it
patterns (run_id, steps, place, runs, cut) as (
    select
        run_id,
        [step] as steps,
        min(place) as place,
        count(*) over (partition by step) as runs,
        0::bigint as cut
    from steps
    group by
        run_id,
        step
    qualify runs >= $min_runs
    union all
    (
        with

        grown as (
            select
                patterns.run_id,
                list_append(patterns.steps, steps.step) as steps,
                min(steps.place) as place
            from patterns
            inner join steps
                on steps.run_id = patterns.run_id
                and steps.place > patterns.place
            where len(patterns.steps) < $max_length
            group by
                patterns.run_id,
                patterns.steps,
                steps.step
        ),

        counted as (
            select
                *,
                count(*) over (partition by steps) as runs
            from grown
        ),

        ranked as (
            select
                *,
                dense_rank() over (order by runs desc, steps) as rank
            from counted
            where runs >= $min_runs
        ),

        measured as (
            select
                *,
                max(rank) over () as found
            from ranked
        )

        select
            run_id,
            steps,
            place,
            runs,
            greatest(found - $max_patterns, 0) as cut
        from measured
        where rank <= $max_patterns
    )
),

all_runs as (
    select count(distinct run_id) as runs
    from steps
    where step is not null
)

select
    patterns.steps,
    len(patterns.steps) as length,
    any_value(patterns.runs) as runs,
    any_value(patterns.runs / all_runs.runs) as support,
    any_value(patterns.cut) as cut
from patterns
cross join all_runs
where len(patterns.steps) >= $min_length
group by patterns.steps
order by
    runs desc,
    length desc,
    patterns.steps
