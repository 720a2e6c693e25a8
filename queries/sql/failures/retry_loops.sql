-- Which code or tool call was tried again and again in one run?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--   min_count BIGINT = 3   how often, at least
--
-- Columns
--   run_id       the run
--   kind         code or tool
--   what         the language or the tool
--   repeats      how often the same code, or the same tool with the same arguments, was run
--   failed       how many of them failed
--   agents       who asked for it
--   first_order  place in the run of the first time
--   last_order   place in the run of the last time
--   input        the code or the arguments
with

attempts as (
    select
        run_id,
        execution_order,
        agent_name,
        status,
        if(event_type = 'code_exec', 'code', 'tool') as kind,
        if(event_type = 'code_exec', meta->>'language', meta->>'tool_name') as what,
        if(event_type = 'code_exec', inputs->>'code', coalesce(inputs->>'args', inputs::varchar)) as input,
        if(event_type = 'code_exec', inputs->>'code_hash', coalesce(inputs->>'args', inputs::varchar)) as input_key
    from execution_events
    where ($run_id is null or run_id = $run_id)
        and event_type in ('code_exec', 'tool_call')
)

select
    run_id,
    kind,
    what,
    count(*) as repeats,
    count(*) filter (where status = 'failed') as failed,
    array_agg(distinct agent_name order by agent_name) as agents,
    min(execution_order) as first_order,
    max(execution_order) as last_order,
    any_value(input) as input
from attempts
where input_key is not null
group by
    run_id,
    kind,
    what,
    input_key
having count(*) >= $min_count
order by
    repeats desc,
    run_id,
    first_order
