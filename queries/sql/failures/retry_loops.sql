-- Which code or tool call was tried again and again in one run?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--   min_count BIGINT = 3   how often, at least
--   by VARCHAR = 'text'    one of: text, syntax; code that is the same letter by letter, or with other names of its own,
--                          texts and comments, too
--
-- Columns
--   run_id       the run
--   kind         code or tool; among the tools what the user's code marked with timed("tool_call", ...), but not what
--                is all of a call of the same name
--   what         the language or the tool
--   repeats      how often the same code (see by), or the same tool with the same arguments (in whatever order, but not inside of
--                their values), was run
--   failed       how many of them failed
--   agents       who asked for it
--   first_order  place in the run of the first time
--   last_order   place in the run of the last time
--   input        the code or the arguments, as they were the first time
--
-- Example
--   min_count = 2
with

-- of all blocks of an execution
normal_codes as (
    select
        run_id,
        event_id,
        list_sort(array_agg(code_normal_hash))::varchar as hashes
    from code_execs
    where $by = 'syntax'
        and ($run_id is null or ingest.of_run(run_id, event_id, $run_id))
    group by
        run_id,
        event_id
),

calls as materialized (
    select
        events.run_id,
        events.id,
        events.execution_order,
        events.agent_name,
        events.status,
        if(events.event_type = 'code_exec', 'code', 'tool') as kind,
        if(
            events.event_type = 'code_exec',
            ingest.language(events.meta->>'language'),
            events.meta->>'tool_name'
        ) as what,
        if(
            events.event_type = 'code_exec',
            coalesce(normal_codes.hashes, events.inputs->>'code_hash'),
            coalesce(events.inputs->>'args', events.inputs::varchar)
        ) as input
    from execution_events as events
    left join normal_codes
        on normal_codes.run_id = events.run_id and normal_codes.event_id = events.id
    where ($run_id is null or ingest.of_run(events.run_id, events.id, $run_id))
        and (events.event_type in ('code_exec', 'tool_call')) is true
        and (events.meta->>'marks') is null
),

-- arguments that differ in the order of their keys alone are as long as each other: of these few the keys are sorted
similar_calls as (
    select
        run_id,
        what,
        length(input) as length
    from calls
    where kind = 'tool'
        and contains(input, ',"')  -- two keys or more
    group by
        run_id,
        what,
        length(input)
    having count(*) >= $min_count
        and min(input) <> max(input)
),

attempts as (
    select
        calls.* exclude (input),
        if(
            similar_calls.length is null,
            calls.input,
            coalesce(list_sort(map_entries(try(from_json(calls.input, '"MAP(VARCHAR, JSON)"'))))::varchar, calls.input)
        ) as input_key
    from calls
    left join similar_calls
        on similar_calls.run_id = calls.run_id
        and similar_calls.what is not distinct from calls.what
        and similar_calls.length = length(calls.input)
        and calls.kind = 'tool'
    where calls.input is not null
),

loops as (
    select
        run_id,
        kind,
        what,
        count(*) as repeats,
        count(*) filter (where status = 'failed') as failed,
        array_agg(agent_name) as agents,
        min(execution_order) as first_order,
        max(execution_order) as last_order,
        arg_min(id, execution_order) as first_id
    from attempts
    group by
        run_id,
        kind,
        what,
        input_key
    having count(*) >= $min_count
)

select
    loops.run_id,
    loops.kind,
    loops.what,
    loops.repeats,
    loops.failed,
    ingest.distinct_values(loops.agents) as agents,
    loops.first_order,
    loops.last_order,
    if(
        loops.kind = 'code',
        events.inputs->>'code',
        coalesce(events.inputs->>'args', events.inputs::varchar)
    ) as input
from loops
inner join execution_events as events
    on events.id = loops.first_id
order by
    loops.repeats desc,
    loops.run_id,
    loops.first_order
