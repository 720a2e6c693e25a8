-- Which ways do runs take from agent to agent, and which is the most common?
--
-- Parameters
--   run_id VARCHAR = NULL   one run; all runs where NULL
--   min_count BIGINT = 1    runs that took it, at least
--   repeats BOOLEAN = true  keep several turns of one agent in a row; false makes one of them
--
-- Columns
--   path       the agents, in order; a nested chat comes before the words of the turn that it was held in
--   turns      how many there are
--   runs       how many runs took this way
--   share      share of all runs
--   completed  how many of these runs ended well
--   example    one of these runs
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
        coalesce(inside.last_order, events.execution_order) * 1000 - coalesce(events.depth, 0) as place
    from execution_events as events
    left join last_turns_inside as inside
        on inside.run_id = events.run_id and inside.execution_order = events.execution_order
    where ($run_id is null or events.run_id = $run_id)
        and events.event_type = 'agent_call'
        and (events.meta->>'internal') is null  -- AG2's own agents that select the next speaker
),

steps as (
    select
        run_id,
        agent_name,
        place,
        lag(agent_name) over run_order is not distinct from agent_name
            and lag(place) over run_order is not null as is_repeat
    from turns
    window run_order as (partition by run_id order by place)
),

paths as (
    select
        run_id,
        array_agg(agent_name order by place) as path
    from steps
    where $repeats or not is_repeat
    group by run_id
),

variants as (
    select
        paths.path,
        len(paths.path) as turns,
        count(*) as runs,
        count(*) / sum(count(*)) over () as share,
        count(*) filter (where runs.status = 'completed') as completed,
        min(paths.run_id) as example
    from paths
    inner join runs
        on runs.run_id = paths.run_id
    group by paths.path
)

select *
from variants
where runs >= $min_count
order by
    runs desc,
    path
