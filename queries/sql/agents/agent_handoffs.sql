-- Who speaks directly after whom, and how likely is it?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--   min_count BIGINT = 1   how often, at least
--
-- Columns
--   from_agent   who spoke
--   to_agent     who spoke next; a nested chat comes before the words of the turn that it was held in
--   count        how often
--   runs         in how many runs
--   probability  share of from_agent's turns with a next turn that went to to_agent
--   median_ms    median time from the one's message to the other's, where the source carries times that go forward
with recursive

-- A turn's words come after what happened in it, so a nested chat is told before the turn that it was held in: each turn
-- stands where the last turn inside of it does, the outer after the inner.
turns_inside (run_id, execution_order, parent_event_id, last_order) as (
    select
        run_id,
        execution_order,
        parent_event_id,
        execution_order
    from execution_events
    where ($run_id is null or run_id = $run_id)
        and event_type = 'agent_call'
        and depth > 0
    union
    select
        events.run_id,
        events.execution_order,
        events.parent_event_id,
        turns_inside.last_order
    from turns_inside
    inner join execution_events as events
        on events.run_id = turns_inside.run_id and events.id = turns_inside.parent_event_id
    where $run_id is null or events.run_id = $run_id
),

last_turns_inside as (
    select
        run_id,
        execution_order,
        max(last_order) as last_order
    from turns_inside
    group by
        run_id,
        execution_order
),

turns as (
    select
        events.run_id,
        events.agent_name,
        events.completed_at,
        coalesce(inside.last_order, events.execution_order) * 1000 - coalesce(events.depth, 0) as place
    from execution_events as events
    left join last_turns_inside as inside
        on inside.run_id = events.run_id and inside.execution_order = events.execution_order
    where ($run_id is null or events.run_id = $run_id)
        and events.event_type = 'agent_call'
        and (events.meta->>'internal') is null  -- AG2's own agents that select the next speaker
),

pairs as (
    select
        run_id,
        agent_name as from_agent,
        lead(agent_name) over run_order as to_agent,
        date_diff('microsecond', completed_at, lead(completed_at) over run_order) / 1000 as wait_ms,
        lead(place) over run_order is not null as is_followed
    from turns
    window run_order as (partition by run_id order by place)
),

handoffs as (
    select
        from_agent,
        to_agent,
        count(*) as count,
        count(distinct run_id) as runs,
        median(wait_ms) filter (where wait_ms >= 0) as median_ms
    from pairs
    where is_followed
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
