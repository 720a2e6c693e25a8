-- What do the language model calls cost that ask for each tool?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--
-- Columns
--   tool          the tool
--   requests      how often a model, or AG2's cache in its place, asked for it
--   llm_calls     calls that asked for it, cached ones among them
--   total_tokens  their tokens, cached calls apart; a call that asks for several tools counts for each with an equal part
--   cost          their cost in US dollars, shared in the same way
with

requests as (
    select
        calls.run_id,
        calls.event_id,
        if(calls.cached, 0, calls.total_tokens) as total_tokens,
        if(calls.cached, 0, calls.cost) as cost,
        json_transform(events.outputs->'tool_calls', '[{"function": {"name": "VARCHAR"}}]') as tool_calls
    from ingest.llm_calls as calls  -- what llm_calls is made of, because no request is asked for here
    inner join execution_events as events
        on events.run_id = calls.run_id and events.id = calls.event_id
    where $run_id is null or ingest.of_run(calls.run_id, calls.event_id, $run_id)
),

requested_tools as (
    select
        run_id,
        event_id,
        total_tokens / len(tool_calls) as total_tokens,
        cost / len(tool_calls) as cost,
        unnest(tool_calls) as tool_call
    from requests
)

select
    tool_call.function.name as tool,
    count(*) as requests,
    count(distinct event_id) as llm_calls,
    round(fsum(total_tokens), 6) as total_tokens,
    round(fsum(cost), 10) as cost
from requested_tools
group by tool_call.function.name
order by
    cost desc nulls last,
    tool
