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
--   steps    names of the tools or agents of a run, in order, chats at the same time as well; a nested chat comes before
--            the words of the turn that it was held in; NULL in a row that only says what was dropped, where nothing else is left
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
        and (meta->>'marks') is null
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

numbered_runs as materialized (
    select
        run_id,
        (row_number() over ())::integer as run_no
    from steps
    where step is not null
    group by run_id
),

calls as materialized (
    select
        numbered_runs.run_no,
        names.step_no,
        steps.place,
        lead(names.step_no) over run_order is distinct from names.step_no as is_last
    from steps
    inner join names
        on names.step = steps.step
    inner join numbered_runs
        on numbered_runs.run_id = steps.run_id
    window run_order as (partition by numbered_runs.run_no order by names.step_no, steps.place)
),

-- Two kinds of rows: a pattern (run_no is NULL), and the first place in a run where a pattern is complete. Growing a
-- pattern from there, as PrefixSpan does, finds every run that has the longer one. The pattern without steps, with which
-- it begins, is complete before all places.
growth (length, pattern_no, step_nos, count, runs, all_runs, cut, run_no, place) as (
    select 0::bigint, 0, []::integer[], 0::bigint, 0::bigint, count(*), 0::bigint, null::integer, null::bigint
    from numbered_runs
    union all
    select 0, 0, null, null, null, null, null, run_no, -1
    from numbered_runs
    union all
    (
        with

        counted as (
            select
                growth.pattern_no,
                calls.step_no,
                count(*) as count,
                count(*) filter (where calls.is_last) as runs
            from growth
            inner join calls
                on calls.run_no = growth.run_no and calls.place > growth.place
            where growth.length < $max_length
            group by
                growth.pattern_no,
                calls.step_no
        ),

        ranked as (
            select
                growth.length + 1 as length,
                growth.pattern_no as prefix_no,
                growth.step_nos as prefix,
                growth.all_runs,
                growth.cut,
                counted.step_no,
                counted.count,
                counted.runs,
                (row_number() over by_support)::integer as rank,
                -- all of them, over the same window, because each one takes its time anew in every step
                count(*) over (by_support rows between unbounded preceding and unbounded following) as found
            from counted
            inner join growth
                on growth.pattern_no = counted.pattern_no and growth.run_no is null
            where counted.runs >= if(growth.all_runs = 1, 1, $min_runs)
                -- a longer pattern may come more often than what it begins with
                and (counted.count >= $min_count or growth.length + 1 < $max_length)
            window by_support as (
                order by
                    counted.count >= $min_count desc,
                    counted.runs desc,
                    counted.count desc,
                    counted.pattern_no,
                    counted.step_no
            )
            qualify rank <= $max_patterns
                or growth.length = 0
        )

        select
            length,
            rank,
            list_append(prefix, step_no),
            count,
            runs,
            all_runs,
            cut + if(length = 1, 0, greatest(found - $max_patterns, 0)),
            null,
            null
        from ranked
        union all
        select
            ranked.length,
            ranked.rank,
            null,
            null,
            null,
            null,
            null,
            growth.run_no,
            min(calls.place)
        from growth
        inner join calls
            on calls.run_no = growth.run_no and calls.place > growth.place
        inner join ranked
            on ranked.prefix_no = growth.pattern_no and ranked.step_no = calls.step_no
        where ranked.length < $max_length
        group by
            ranked.length,
            ranked.rank,
            growth.run_no
    )
),

all_names as (
    select array_agg(step order by step_no) as names
    from names
),

-- where no pattern is long enough, one row says what was dropped
patterns as (
    select
        growth.*,
        growth.length >= $min_length and growth.count >= $min_count as is_asked_for,
        all_names.names
    from growth
    cross join all_names
    where growth.run_no is null
        and growth.length > 0
    qualify is_asked_for
        or (
            growth.cut > 0
            and not bool_or(is_asked_for) over ()
            and row_number() over (order by growth.length desc) = 1
        )
)

select
    if(is_asked_for, list_select(names, step_nos), null) as steps,
    length,
    if(is_asked_for, count, null) as count,
    if(is_asked_for, runs, null) as runs,
    if(is_asked_for, runs / all_runs, null) as support,
    cut,
    if(
        cut > 0,
        format('{} rarer patterns of up to {} steps dropped, and those that begin with them: max_patterns is {}', cut, length, $max_patterns),
        null
    ) as note
from patterns
order by
    runs desc,
    length desc,
    count desc,
    steps
