-- Which agents speak in the same order again and again?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--   min_length BIGINT = 3  turns in a sequence, at least
--   max_length BIGINT = 5  turns in a sequence, at most
--   min_count BIGINT = 2   how often, at least
--   min_runs BIGINT = 1    runs that it appears in, at least
--
-- Columns
--   agents  the speakers, in order; a nested chat comes before the words of the turn that it was held in
--   length  turns in the sequence
--   count   how often they spoke in this order with no other turn between
--   runs    in how many runs
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

-- numbers in place of names: lists of them are compared much faster
names as materialized (
    select
        agent_name,
        (row_number() over (order by agent_name))::integer as agent_no
    from turns
    group by agent_name
),

turns_of_runs as (
    select
        (row_number() over ())::integer as run_no,
        array_agg(names.agent_no order by turns.place) as agent_nos
    from turns
    inner join names
        on names.agent_name is not distinct from turns.agent_name
    group by turns.run_id
),

starts as (
    select
        run_no,
        agent_nos,
        unnest(range(1, len(agent_nos) + 1)) as start
    from turns_of_runs
),

longest as (
    select coalesce(max(len(agent_nos)), 0) as length
    from turns_of_runs
),

lengths as (
    select unnest(range(greatest($min_length, 1), least($max_length, length) + 1)) as length
    from longest
),

sequences as (
    select
        starts.run_no,
        starts.agent_nos[starts.start : starts.start + lengths.length - 1] as agent_nos
    from starts
    inner join lengths
        on starts.start + lengths.length - 1 <= len(starts.agent_nos)
),

counted_sequences as (
    select
        agent_nos,
        count(*) as count,
        count(distinct run_no) as runs
    from sequences
    group by agent_nos
),

all_names as (
    select array_agg(agent_name order by agent_no) as names
    from names
)

select
    list_transform(counted_sequences.agent_nos, lambda agent_no: all_names.names[agent_no]) as agents,
    len(counted_sequences.agent_nos) as length,
    counted_sequences.count,
    counted_sequences.runs
from counted_sequences
cross join all_names
where counted_sequences.count >= $min_count
    and counted_sequences.runs >= $min_runs
order by
    counted_sequences.count desc,
    length desc,
    agents
