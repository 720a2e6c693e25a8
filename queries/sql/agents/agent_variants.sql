-- Which ways do runs take from agent to agent, and which is the most common?
--
-- Parameters
--   run_id VARCHAR = NULL   one run; all runs where NULL
--   min_count BIGINT = 1    runs that took it, at least
--   repeats BOOLEAN = true  keep several turns of one agent in a row; false makes one of them
--
-- Columns
--   path       the agents, in order; a nested chat comes before the words of the turn that it was held in, and of chats at
--              the same time the words stand as they were said
--   turns      how many there are
--   runs       how many runs took this way
--   share      share of the runs with turns
--   completed  how many of these runs ended well; only a journal tells, and all others count as completed
--   example    one of these runs
with

turns as (
    select
        run_id,
        agent_name,
        place
    from ingest.turns
    where $run_id is null or ingest.of_run(run_id, event_id, $run_id)
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
