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

turns as (
    select
        run_id,
        id,
        parent_event_id,
        depth,
        execution_order,
        completed_at,
        agent_name
    from execution_events
    where ($run_id is null or run_id = $run_id)
        and event_type = 'agent_call'
        and (meta->>'internal') is null  -- AG2's own agents that select the next speaker
),

-- A turn's words come after what happened in it, so a nested chat is told before the turn that it was held in: each turn
-- stands where the last turn inside of it does, the outer after the inner.
held_in (run_id, last_order, event_id) as (
    select
        run_id,
        execution_order,
        parent_event_id
    from turns
    where parent_event_id is not null
    union
    select
        held_in.run_id,
        held_in.last_order,
        events.parent_event_id
    from held_in
    inner join execution_events as events
        on events.run_id = held_in.run_id and events.id = held_in.event_id
    where events.parent_event_id is not null
),

last_turns_inside as (
    select
        run_id,
        event_id,
        max(last_order) as last_order
    from held_in
    group by
        run_id,
        event_id
),

said as (
    select
        turns.run_id,
        turns.agent_name,
        turns.completed_at,
        (coalesce(inside.last_order, turns.execution_order), -turns.depth, turns.execution_order) as place
    from turns
    left join last_turns_inside as inside
        on inside.run_id = turns.run_id and inside.event_id = turns.id
),

pairs as (
    select
        run_id,
        agent_name as from_agent,
        lead(agent_name) over run_order as to_agent,
        date_diff('microsecond', completed_at, lead(completed_at) over run_order) / 1000 as wait_ms,
        lead(place) over run_order is not null as is_followed
    from said
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
