-- Which step of a workflow takes how many tokens and dollars?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--
-- Columns
--   step_id       the step that the user marked; NULL for what happened outside of any
--   runs          runs that have it
--   calls         calls of a language model
--   total_tokens  their tokens
--   cost          their cost in US dollars
--   cost_share    share of all cost
select
    events.step_id,
    count(distinct calls.run_id) as runs,
    count(*) as calls,
    sum(calls.total_tokens)::bigint as total_tokens,
    sum(calls.cost) as cost,
    sum(calls.cost) / nullif(sum(sum(calls.cost)) over (), 0) as cost_share
from llm_calls as calls
inner join execution_events as events
    on events.run_id = calls.run_id and events.id = calls.event_id
where $run_id is null or calls.run_id = $run_id
group by events.step_id
order by
    cost desc nulls last,
    events.step_id
