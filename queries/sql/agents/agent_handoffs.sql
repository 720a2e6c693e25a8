-- Who speaks directly after whom, and how likely is it?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--   min_count BIGINT = 1   how often, at least
--
-- Columns
--   from_agent   who spoke
--   to_agent     who spoke next
--   count        how often
--   runs         in how many runs
--   probability  share of from_agent's turns with a next turn that went to to_agent
--   median_ms    median time from the one's message to the other's, where the source carries times
with

turns as (
    select
        run_id,
        agent_name as from_agent,
        lead(agent_name) over run_order as to_agent,
        date_diff('microsecond', completed_at, lead(completed_at) over run_order) / 1000 as wait_ms,
        lead(execution_order) over run_order as next_order
    from execution_events
    where ($run_id is null or run_id = $run_id)
        and event_type = 'agent_call'
        and (meta->>'internal') is null  -- AG2's own agents that select the next speaker
    window run_order as (partition by run_id order by execution_order)
),

handoffs as (
    select
        from_agent,
        to_agent,
        count(*) as count,
        count(distinct run_id) as runs,
        median(wait_ms) as median_ms
    from turns
    where next_order is not null
    group by
        from_agent,
        to_agent
),

handoffs_with_probability as (
    select
        from_agent,
        to_agent,
        count,
        runs,
        count / sum(count) over (partition by from_agent) as probability,
        median_ms
    from handoffs
)

select *
from handoffs_with_probability
where count >= $min_count
order by
    count desc,
    from_agent,
    to_agent
