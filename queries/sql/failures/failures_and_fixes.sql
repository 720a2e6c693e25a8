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
--   is_fixed        whether a success followed
--   fixed_by        whose code or call of that chat and language (or with a block in it), or tool, succeeded after it: the
--                   first of the next 8 that is like it (code of a similarity of 0.3 to its first or last try, a call with
--                   half of its arguments; it repairs what it is most like), or else the next one after it failed last.
--                   Of calls that one message asks for none is the fix of another. NULL where none did, or where its
--                   author has no name. Of a run the
--                   latest 256 failures wait for their fix, and code is compared with the latest 16 of its language
--   fixed_input     the code or arguments that succeeded
--   similarity      of code, twice the words that both have, of all their words, where those stand in lines that a diff has
--                   in place of each other; of a tool, the share of arguments that are the same. A success that has little
--                   in common with the failure (below 0.3) may be another thing, and no fix
--   changed         what changed from the code that failed first to the code that worked, as a diff; NULL of code above
--                   40,000 characters or 400 lines, and of what is unlike the fix where something else failed before it
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
        coalesce(meta->>'tool_name', ingest.language(meta->>'language')) as what,
        -- as ingest/repairs.py told them
        if(status = 'failed', coalesce(try_cast(meta->>'try_of' as uuid), id), null) as failure_id,
        if(status = 'completed', meta->'fixes', null) as fixes
    from execution_events
    where ($run_id is null or ingest.of_run(run_id, id, $run_id))
        and (event_type in ('code_exec', 'tool_call')) is true
        and (status in ('completed', 'failed')) is true
        and (meta->>'marks') is null
        and (meta->>'echo_of') is null
),

-- the tries of one thing
tried as (
    select
        run_id,
        chat,
        kind,
        what,
        failure_id,
        count(*) as tries,
        arg_min(id, execution_order) as first_id,
        min(execution_order) as failed_at,
        max(execution_order) as over_at
    from executed
    where failure_id is not null
    group by
        run_id,
        chat,
        kind,
        what,
        failure_id
),

fixes as (
    select
        id,
        execution_order,
        fix.id as failure_id,
        fix.alike,
        fix.similarity,
        fix.diff
    from (
        select
            id,
            execution_order,
            unnest(from_json(fixes, '[{"id": "UUID", "alike": "BOOLEAN", "similarity": "DOUBLE", "diff": "VARCHAR"}]')) as fix
        from executed
        where fixes is not null
    )
),

-- each with the success that is like it, which is the last that it had a fix in, or else the first after its last try
followed as (
    select
        tried.run_id,
        tried.chat,
        tried.kind,
        tried.what,
        tried.failure_id,
        any_value(tried.tries) as tries,
        any_value(tried.first_id) as first_id,
        any_value(tried.failed_at) as failed_at,
        arg_max(fixes, fixes.execution_order) as fix
    from tried
    left join fixes
        on fixes.failure_id = tried.failure_id
        and fixes.execution_order > tried.over_at
    group by
        tried.run_id,
        tried.chat,
        tried.kind,
        tried.what,
        tried.failure_id
),

-- where nothing like them succeeded, all that failed before the same success are one
problems as (
    select
        run_id,
        kind,
        what,
        sum(tries)::bigint as tries,
        arg_min(first_id, failed_at) as failure_id,
        arg_min(fix, failed_at) as fix
    from followed
    group by
        run_id,
        chat,
        kind,
        what,
        fix.id,
        if(fix.alike, failure_id, null)
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
        fixes.id is not null as is_fixed,
        fixes.agent_name as fixed_by,
        coalesce(fixes.inputs->>'code', fixes.inputs->>'args', fixes.inputs::varchar) as fixed_input,
        problems.fix.similarity as similarity,
        problems.fix.diff as changed,
        failures.execution_order,
        fixes.execution_order - failures.execution_order as events_between
    from problems
    inner join execution_events as failures
        on failures.id = problems.failure_id
        and ($run_id is null or ingest.of_run(failures.run_id, failures.id, $run_id))
    left join execution_events as fixes
        on fixes.id = problems.fix.id
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
