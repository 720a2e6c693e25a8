-- What goes wrong, how often, and where, each failure counted once?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--   min_count BIGINT = 1   how often, at least
--
-- Columns
--   event_type  what failed: code_exec, tool_call, llm_call, error ...
--   what        the language, tool or model
--   error_type  what was raised, where that is known
--   count       how often; not again with the files that failed code did not write, with the exception that a failed
--               llm_call (or another failure) raised, or where the user marked it as well
--   runs        in how many runs
--   agents      whose code, call or turn it was
--   example     one error message
with

failures as (
    select
        run_id,
        event_type,
        coalesce(meta->>'tool_name', ingest.language(meta->>'language'), meta->>'model', meta->>'action_name') as what,
        meta->>'error_type' as error_type,
        agent_name,
        error_message,
        meta->>'echo_of' as echo_of,
        lag(execution_order) over run_order = execution_order - 1
            and lag(event_type) over run_order = 'llm_call'
            and lag(parent_event_id) over run_order is distinct from id
            and lag(chat) over run_order is not distinct from chat
            and coalesce(lag(agent_name) over run_order = agent_name, true)
            and event_subtype is distinct from 'action' as is_raised_by_model
    from execution_events
    where ($run_id is null or ingest.of_run(run_id, id, $run_id))
        and status = 'failed'
        and event_type <> 'file_gen'  -- a file fails with the code that was to write it
    window run_order as (partition by run_id order by execution_order)
)

select
    event_type,
    what,
    error_type,
    count(*) as count,
    len(list_distinct(array_agg(run_id))) as runs,
    ingest.distinct_values(array_agg(agent_name)) as agents,
    min(error_message) as example
from failures
where echo_of is null
    -- what a failed call raised is the next event
    and (event_type <> 'error' or is_raised_by_model is distinct from true)
group by
    event_type,
    what,
    error_type
having count(*) >= $min_count
order by
    count desc,
    event_type,
    what,
    error_type
