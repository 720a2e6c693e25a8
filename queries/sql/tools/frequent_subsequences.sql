-- Which tools, or agents, come in the same order again and again, whatever happens between them?
--
-- Parameters
--   kind VARCHAR = 'tool'       one of: tool, agent; steps are tool calls (marked with timed("tool_call", ...) or not), or turns
--   run_id VARCHAR = NULL       one run; all runs where NULL
--   min_runs BIGINT = 2         runs that it appears in, at least; in a single run, 1
--   min_count BIGINT = 2        how often, at least
--   min_length BIGINT = 2       steps, at least
--   max_length BIGINT = 3       steps, at most
--   max_patterns BIGINT = 1000  patterns of each length, from 2, that are kept and followed: those in the most runs; at
--                               least 1
--
-- Columns
--   steps    names of the tools or agents, in order; a nested chat comes before the words of the turn that it was held in;
--            NULL in a row that only says what was dropped, where nothing else is left
--   length   steps in the pattern
--   count    how often the last step came when all before it had come, in this order
--   runs     in how many runs it appears, however often in each
--   support  share of the runs that have any such step
--   cut      patterns of up to this length that max_patterns dropped; longer ones that begin with them are missing too
--   note     the same in words, where anything was dropped
with recursive

steps as (
    select
        run_id,
        place,
        agent_name as step
    from ingest.turns
    where $kind = 'agent'
        and ($run_id is null or ingest.of_run(run_id, event_id, $run_id))
    union all
    select
        run_id,
        execution_order,
        meta->>'tool_name'
    from execution_events
    where $kind <> 'agent'
        and ($run_id is null or ingest.of_run(run_id, id, $run_id))
        and event_type = 'tool_call'
),

-- numbers in place of names: they are compared millions of times
names as materialized (
    select
        step,
        (row_number() over (order by step))::integer as step_no
    from steps
    where step is not null
    group by step
),

sequences as materialized (
    select
        (row_number() over ())::integer as run_no,
        array_agg(names.step_no order by steps.place) as step_nos
    from steps
    inner join names
        on names.step = steps.step
    group by steps.run_id
),

places as (
    select
        run_no,
        unnest(step_nos) as step_no,
        unnest(range(1, len(step_nos) + 1))::integer as place
    from sequences
),

last_places as (
    select
        run_no,
        step_no,
        max(place) as place
    from places
    group by
        run_no,
        step_no
),

calls as materialized (
    select
        places.run_no,
        places.step_no,
        places.place,
        places.place = last_places.place as is_last
    from places
    inner join last_places
        on last_places.run_no = places.run_no and last_places.step_no = places.step_no
),

-- Two kinds of rows: a pattern (run_no is NULL), and the first place in a run where a pattern is complete. Growing a
-- pattern from there, as PrefixSpan does, finds every run that has the longer one.
growth (length, pattern_no, steps, count, runs, cut, run_no, place) as (
    select 0::bigint, 0, []::varchar[], 0::bigint, 0::bigint, 0::bigint, null::integer, null::integer
    union all
    select 0, 0, null, null, null, null, run_no, 0
    from sequences
    union all
    (
        with

        counted as (
            select
                growth.length + 1 as length,
                growth.pattern_no,
                calls.step_no,
                count(*) as count,
                count(*) filter (where calls.is_last) as runs
            from growth
            inner join calls
                on calls.run_no = growth.run_no and calls.place > growth.place
            where growth.length < $max_length
            group by
                growth.length,
                growth.pattern_no,
                calls.step_no
        ),

        ranked as (
            select
                *,
                (row_number() over (order by runs desc, count desc, pattern_no, step_no))::integer as rank,
                count(*) over () as found
            from counted
            where runs >= least($min_runs, (select count(*) from sequences))
                and count >= $min_count
        ),

        kept as (
            select
                ranked.length,
                ranked.rank as pattern_no,
                list_append(growth.steps, names.step) as steps,
                ranked.count,
                ranked.runs,
                if(ranked.length = 1, 0, greatest(ranked.found - greatest($max_patterns, 1), 0)) as cut,
                growth.pattern_no as prefix_no,
                ranked.step_no
            from ranked
            inner join growth
                on growth.pattern_no = ranked.pattern_no and growth.run_no is null
            inner join names
                on names.step_no = ranked.step_no
            where ranked.rank <= greatest($max_patterns, 1)
                or ranked.length = 1
        )

        select length, pattern_no, steps, count, runs, cut, null, null
        from kept
        union all
        select
            kept.length,
            kept.pattern_no,
            null,
            null,
            null,
            null,
            growth.run_no,
            min(calls.place)
        from growth
        inner join calls
            on calls.run_no = growth.run_no and calls.place > growth.place
        inner join kept
            on kept.prefix_no = growth.pattern_no and kept.step_no = calls.step_no
        where kept.length < $max_length
        group by
            kept.length,
            kept.pattern_no,
            growth.run_no
    )
),

all_runs as (
    select count(*) as runs
    from sequences
),

patterns as (
    select
        steps,
        length,
        count,
        runs,
        cut
    from growth
    where run_no is null
        and length > 0
),

cuts as (
    select
        length,
        max(cut) as cut,
        sum(max(cut)) over (order by length)::bigint as cut_so_far
    from patterns
    group by length
),

frequent as (
    select *
    from patterns
    where length >= $min_length
),

rows_and_cuts as (
    select
        frequent.steps,
        frequent.length,
        frequent.count,
        frequent.runs,
        frequent.runs / all_runs.runs as support,
        cuts.cut_so_far as cut
    from frequent
    inner join cuts
        on cuts.length = frequent.length
    cross join all_runs
    union all
    select
        null,
        max(length),
        null,
        null,
        null,
        max(cut_so_far)
    from cuts
    where not exists (from frequent)
    having max(cut_so_far) > 0
)

select
    *,
    if(
        cut > 0,
        format('{} rarer patterns of up to {} steps dropped, and those that begin with them: max_patterns is {}', cut, length, $max_patterns),
        null
    ) as note
from rows_and_cuts
order by
    runs desc,
    length desc,
    count desc,
    steps
