-- Where do two agents only answer each other, and nothing gets done?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--   min_turns BIGINT = 6   turns in a row, at least
--   idle BOOLEAN = true    only where no code and no tool succeeded meanwhile; false: all
--
-- Columns
--   run_id             the run
--   agents             the two
--   turns              turns in a row
--   distinct_messages  different messages among them
--   succeeded          code executions and tool calls that worked meanwhile
--   failed             code executions and tool calls that failed meanwhile
--   first_order        place in the run of the first turn
--   last_order         place in the run of the last turn
with

turns as (
    select
        run_id,
        id,
        execution_order,
        agent_name,
        row_number() over run_order as turn,
        coalesce(
            agent_name = lag(agent_name, 2) over run_order and agent_name <> lag(agent_name) over run_order, false
        ) as is_reply_to_reply
    from execution_events
    where ($run_id is null or run_id = $run_id)
        and event_type = 'agent_call'
        and (meta->>'internal') is null  -- AG2's own agents that select the next speaker
    window run_order as (partition by run_id order by execution_order)
),

-- each time the pattern breaks, a new stretch begins; it takes in the two turns that its first reply goes back to
numbered_turns as (
    select
        *,
        count(*) filter (where not is_reply_to_reply) over (partition by run_id order by turn) as stretch
    from turns
),

stretches as (
    select
        run_id,
        stretch,
        min(turn) filter (where is_reply_to_reply) - 2 as first_turn,
        max(turn) as last_turn
    from numbered_turns
    group by
        run_id,
        stretch
    having count(*) filter (where is_reply_to_reply) + 2 >= $min_turns
        and count(*) filter (where is_reply_to_reply) > 0
),

turns_of_stretches as (
    select
        stretches.run_id,
        stretches.stretch,
        array_agg(distinct turns.agent_name order by turns.agent_name) as agents,
        count(*) as turns,
        count(distinct events.outputs->>'full_content') as distinct_messages,
        min(turns.execution_order) as first_order,
        max(turns.execution_order) as last_order
    from stretches
    inner join turns
        on turns.run_id = stretches.run_id
        and turns.turn between stretches.first_turn and stretches.last_turn
    inner join execution_events as events
        on events.run_id = turns.run_id and events.id = turns.id
    where $run_id is null or events.run_id = $run_id
    group by
        stretches.run_id,
        stretches.stretch
),

work as (
    select
        run_id,
        execution_order,
        status
    from execution_events
    where ($run_id is null or run_id = $run_id)
        and event_type in ('code_exec', 'tool_call')
),

alternations as (
    select
        stretches.run_id,
        stretches.agents,
        stretches.turns,
        stretches.distinct_messages,
        count(*) filter (where work.status = 'completed') as succeeded,
        count(*) filter (where work.status = 'failed') as failed,
        stretches.first_order,
        stretches.last_order
    from turns_of_stretches as stretches
    left join work
        on work.run_id = stretches.run_id
        and work.execution_order between stretches.first_order and stretches.last_order
    group by all
)

select *
from alternations
where not $idle or succeeded = 0
order by
    turns desc,
    run_id,
    first_order
