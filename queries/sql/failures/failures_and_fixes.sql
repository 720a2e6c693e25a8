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

failed as (
    select
        * exclude (languages),
        if(kind = 'code', ingest.language(name), name) as what
    from executed
    where status = 'failed'
),

-- what succeeded did so in each of its languages
succeeded as (
    select
        run_id,
        chat,
        id,
        execution_order,
        kind,
        if(kind = 'code', ingest.language(name), name) as what
    from executed
    where status = 'completed'
    union all
    select distinct
        run_id,
        chat,
        id,
        execution_order,
        kind,
        ingest.language(language)
    from (select *, unnest(languages::varchar[]) as language from executed where languages is not null)
    where status = 'completed'
        and ingest.language(language) is distinct from ingest.language(name)
),

-- the calls of a tool that one message asks for: none of them can be the fix of another
rounds as (
    select
        run_id,
        requested_in,
        name,
        max(execution_order) as over_at
    from executed
    where requested_in in (select requested_in from failed)
    group by
        run_id,
        requested_in,
        name
),

-- the tries of one thing, as ingest/repairs.py told them
tried as (
    select
        failed.run_id,
        failed.chat,
        failed.kind,
        failed.what,
        count(*) as tries,
        min(failed.execution_order) as failed_at,
        arg_min(failed.id, failed.execution_order) as failure_id,
        any_value(failed.known.repaired_by) as repaired_by,
        max(greatest(failed.execution_order, rounds.over_at)) as over_at
    from failed
    left join rounds
        on rounds.run_id = failed.run_id and rounds.requested_in = failed.requested_in and rounds.name = failed.name
    group by
        failed.run_id,
        failed.chat,
        failed.kind,
        failed.what,
        coalesce(failed.known.try_of, failed.id::varchar)
),

followed as (
    select
        tried.*,
        succeeded.id as next_id
    from tried
    asof left join succeeded
        on succeeded.run_id = tried.run_id
        and succeeded.chat is not distinct from tried.chat
        and succeeded.kind = tried.kind
        and succeeded.what is not distinct from tried.what
        and succeeded.execution_order > tried.over_at
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
    from followed
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
