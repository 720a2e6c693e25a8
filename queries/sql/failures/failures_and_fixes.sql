-- What failed, and what succeeded after it?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--   fixed BOOLEAN = NULL   true: only what was followed by a success; false: only what was not; both where NULL
--   min_similarity DOUBLE = NULL  only successes that are at least so alike to what failed; all where NULL
--
-- Columns
--   run_id          the run
--   kind            code or tool; among the tools what the user's code marked with timed("tool_call", ...), but not
--                   what is all of a call of the same name
--   what            the language (py and python are one, and so are the names of shells), or the tool; of code in several
--                   languages that of the block that failed, where that is known, or else of the first
--   tries           how often it failed: tries of the same, or, where none of them was repaired, all before that success
--   error_type      what was raised first, where that is known
--   error_message   the first error
--   failed_by       whose code or call failed first
--   failed_input    the first code or arguments that failed
--   fixed_by        whose code or call of that chat and language (or with a block in it), or tool, succeeded after it: the
--                   first of the next 8 that is like it (code of a similarity of 0.3 to its first or last try, a call with
--                   half of its arguments, which repairs one failure), or else the next one after it failed last; of calls
--                   that one message asks for none is the fix of another, and of calls that the user's code marked the
--                   next one is taken; NULL where none did
--   fixed_input     the code or arguments that succeeded
--   similarity      of code, twice the words that both have, of all their words, where those stand in lines that a diff has
--                   in place of each other; of a tool, the share of arguments that are the same. A success that has little
--                   in common with the failure (below 0.3) may be another thing, and no fix
--   changed         what changed from the code that failed first to the code that worked, as a diff
--   events_between  events of the run from the first failure to the success
with

executed as (
    select
        run_id,
        chat,
        id,
        execution_order,
        status,
        if(event_type = 'code_exec', 'code', 'tool') as kind,
        coalesce(meta->>'tool_name', meta->>'language') as name,
        meta->'languages' as languages,
        meta->>'requested_in' as requested_in,
        if(status = 'failed', {'try_of': meta->>'try_of', 'repaired_by': meta->>'repaired_by'}, null) as known
    from execution_events
    where ($run_id is null or ingest.of_run(run_id, id, $run_id))
        and (event_type in ('code_exec', 'tool_call')) is true
        and (status in ('completed', 'failed')) is true
        and (meta->>'marks') is null
        and (meta->>'echo_of') is null
),

-- what succeeded did so in each of its languages
attempts as (
    select
        * exclude (name, languages),
        if(kind = 'code', ingest.language(name), name) as what
    from executed
    union all
    select distinct
        * exclude (name, languages, language),
        ingest.language(language)
    from (select *, unnest(languages::varchar[]) as language from executed where languages is not null)
    where status = 'completed'
        and ingest.language(language) is distinct from ingest.language(name)
),

failing as (
    select
        run_id,
        chat,
        kind,
        what
    from attempts
    where status = 'failed'
    group by all
),

-- The calls that one message asks for are one round, of which what succeeded counts before what failed: it can be the fix
-- of an earlier failure alone. Counted in one partition for each run, because each partition more takes DuckDB 0.1 ms.
calls as (
    select
        attempts.*,
        attempts.requested_in is null
            or attempts.requested_in is distinct from lag(attempts.requested_in) over run_order as begins_round
    from attempts
    semi join failing
        on failing.run_id = attempts.run_id
        and failing.chat is not distinct from attempts.chat
        and failing.kind = attempts.kind
        and failing.what is not distinct from attempts.what
    window run_order as (
        partition by attempts.run_id
        order by attempts.chat, attempts.kind, attempts.what, attempts.execution_order
    )
),

rounds as (
    select
        *,
        count(*) filter (where begins_round) over (
            partition by run_id
            order by chat, kind, what, execution_order
        ) as round
    from calls
),

-- attempts of one kind in a row with the same number of successes before them belong together: failures, then at most one
-- success
numbered_attempts as (
    select
        *,
        count(*) filter (where status = 'completed') over (
            partition by run_id
            order by chat, kind, what, round, status, execution_order
            rows between unbounded preceding and 1 preceding
        ) as successes_before
    from rounds
),

-- code in one language, or one tool, of one chat, from the first failure up to the first success after it
streaks as (
    select
        run_id,
        chat,
        kind,
        what,
        array_agg({'id': id, 'place': execution_order, 'known': known}) filter (where status = 'failed') as failures,
        any_value(id) filter (where status = 'completed') as next_id
    from numbered_attempts
    group by
        run_id,
        chat,
        kind,
        what,
        successes_before
    having count(*) filter (where status = 'failed') > 0
),

-- the tries of one thing, as ingest/repairs.py told them
tried as (
    select
        run_id,
        chat,
        kind,
        what,
        count(*) as tries,
        min(failure.place) as failed_at,
        arg_min(failure.id, failure.place) as failure_id,
        any_value(failure.known.repaired_by) as repaired_by,
        arg_max_null(next_id, failure.place) as next_id
    from (select * exclude (failures), unnest(failures) as failure from streaks)
    group by
        run_id,
        chat,
        kind,
        what,
        coalesce(failure.known.try_of, failure.id::varchar)
),

-- where nothing like them succeeded, all that failed before the same success are one
problems as (
    select
        run_id,
        kind,
        what,
        sum(tries)::bigint as tries,
        arg_min(failure_id, failed_at) as failure_id,
        coalesce(try_cast(repaired_by as uuid), any_value(next_id)) as fix_id
    from tried
    group by
        run_id,
        chat,
        kind,
        what,
        repaired_by,
        if(repaired_by is null, next_id, null)
),

pairs as (
    select
        problems.run_id,
        problems.kind,
        problems.what,
        problems.tries,
        failures.meta->>'error_type' as error_type,
        failures.error_message,
        failures.agent_name as failed_by,
        coalesce(failures.inputs->>'code', failures.inputs->>'args', failures.inputs::varchar) as failed_input,
        fixes.agent_name as fixed_by,
        coalesce(fixes.inputs->>'code', fixes.inputs->>'args', fixes.inputs::varchar) as fixed_input,
        case
            when fixes.id is null then null
            when problems.kind = 'tool'
                then ingest.common_share(
                    coalesce(failures.inputs->'args', failures.inputs), coalesce(fixes.inputs->'args', fixes.inputs)
                )
            when (fixes.meta->>'fixes') = failures.id::varchar then try_cast(fixes.meta->>'similarity' as double)
        end as similarity,
        if((fixes.meta->>'fixes') = failures.id::varchar, fixes.meta->>'diff', null) as changed,
        failures.execution_order,
        fixes.execution_order - failures.execution_order as events_between
    from problems
    inner join execution_events as failures
        on failures.id = problems.failure_id
        and ($run_id is null or ingest.of_run(failures.run_id, failures.id, $run_id))
    left join execution_events as fixes
        on fixes.id = problems.fix_id
        and ($run_id is null or ingest.of_run(fixes.run_id, fixes.id, $run_id))
    where $fixed is null or (fixes.id is not null) = $fixed
)

select
    * exclude (execution_order)
from pairs
where $min_similarity is null or similarity >= $min_similarity
order by
    run_id,
    execution_order
