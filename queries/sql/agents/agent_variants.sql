-- Which ways do runs take from agent to agent, and which is the most common?
--
-- Parameters
--   run_id VARCHAR = NULL   one run; all runs where NULL
--   min_count BIGINT = 1    runs that took it, at least
--   repeats BOOLEAN = true  keep several turns of one agent in a row; false makes one of them
--
-- Columns
--   path       the agents, in order
--   turns      how many there are
--   runs       how many runs took this way
--   share      share of all runs
--   completed  how many of these runs ended well
--   example    one of these runs
with

turns as (
    select
        run_id,
        agent_name,
        execution_order,
        lag(agent_name) over (partition by run_id order by execution_order) is not distinct from agent_name
            and row_number() over (partition by run_id order by execution_order) > 1 as is_repeat
    from execution_events
    where ($run_id is null or run_id = $run_id)
        and event_type = 'agent_call'
        and (meta->>'internal') is null  -- AG2's own agents that select the next speaker
),

paths as (
    select
        run_id,
        array_agg(agent_name order by execution_order) as path
    from turns
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
