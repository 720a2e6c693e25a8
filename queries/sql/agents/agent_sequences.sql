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
--   agents  the speakers, in order
--   length  turns in the sequence
--   count   how often they spoke in this order with no other turn between
--   runs    in how many runs
with

turns_of_runs as (
    select
        run_id,
        array_agg(agent_name order by execution_order) as agents
    from execution_events
    where ($run_id is null or run_id = $run_id)
        and event_type = 'agent_call'
        and (meta->>'internal') is null  -- AG2's own agents that select the next speaker
    group by run_id
),

starts as (
    select
        run_id,
        agents,
        unnest(range(1, len(agents) + 1)) as start
    from turns_of_runs
),

lengths as (
    select unnest(range(greatest($min_length, 1), $max_length + 1)) as length
),

sequences as (
    select
        starts.run_id,
        starts.agents[starts.start : starts.start + lengths.length - 1] as agents,
        lengths.length
    from starts
    inner join lengths
        on starts.start + lengths.length - 1 <= len(starts.agents)
)

select
    agents,
    any_value(length) as length,
    count(*) as count,
    count(distinct run_id) as runs
from sequences
group by agents
having count(*) >= $min_count
    and count(distinct run_id) >= $min_runs
order by
    count desc,
    length desc,
    agents
