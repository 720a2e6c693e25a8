-- Which step of a workflow takes how many tokens and dollars?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--
-- Columns
--   step_id       the step that the user marked; NULL for what happened outside of any
--   runs          runs with calls in it
--   calls         calls of a language model, cached ones among them
--   total_tokens  their tokens; cached calls apart, here and in what follows, as in runs
--   cost          their cost in US dollars
--   cost_share    share of all cost
select
    events.step_id,
    count(distinct calls.run_id) as runs,
    count(*) as calls,
    sum(if(calls.cached, 0, calls.total_tokens))::bigint as total_tokens,
    round(fsum(if(calls.cached, 0, calls.cost)), 10) as cost,
    round(
        fsum(if(calls.cached, 0, calls.cost)) / nullif(fsum(fsum(if(calls.cached, 0, calls.cost))) over (), 0), 10
    ) as cost_share
from ingest.llm_calls as calls  -- what llm_calls is made of, because no request is asked for here
inner join execution_events as events
    on events.run_id = calls.run_id and events.id = calls.event_id
where $run_id is null or ingest.of_run(calls.run_id, calls.event_id, $run_id)
group by events.step_id
order by
    cost desc nulls last,
    events.step_id
