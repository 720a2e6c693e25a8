-- Where do two agents only answer each other in a chat, and nothing gets done?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--   min_turns BIGINT = 6   turns in a row, at least
--   idle BOOLEAN = true    only turns between which no code and no tool succeeded; false: all
--
-- Columns
--   run_id             the run
--   agents             the two
--   turns              turns in a row
--   distinct_messages  different messages among them, by their words and the tools that they ask for with what arguments
--   succeeded          code executions and tool calls in these turns, or marked by the user between them, that worked
--   failed             those that failed
--   first_order        place in the run of the first turn
--   last_order         place in the run of the last turn
with

calls as (
    select
        run_id,
        chat,
        -- the turn that it is in, or that came before what the user marked
        case when event_subtype = 'action' then try_cast(meta->>'after' as uuid) else parent_event_id end as turn_id,
        event_subtype = 'action' as is_marked,
        status
    from execution_events
    where ($run_id is null or ingest.of_run(run_id, id, $run_id))
        and (event_type in ('code_exec', 'tool_call')) is true
),

done as (
    select
        turn_id,
        is_marked
    from calls
    where status = 'completed'
        and turn_id is not null
),

placed_turns as (
    select
        turns.run_id,
        turns.chat,
        turns.event_id,
        turns.agent_name,
        turns.place,
        events.execution_order
    from ingest.turns as turns
    inner join execution_events as events
        on events.id = turns.event_id
    where ($run_id is null or ingest.of_run(turns.run_id, turns.event_id, $run_id))
        and events.event_type = 'agent_call'
),

-- what is idle ends with turns in which something got done, or behind which
marked_turns as (
    select
        *,
        $idle and event_id in (select turn_id from done where not is_marked) as is_work,
        $idle and event_id in (select turn_id from done where is_marked) as is_before_work
    from placed_turns
),

turns as (
    select
        run_id,
        chat,
        place,
        agent_name,
        execution_order,
        row_number() over chat_order as number,
        lag(agent_name) over chat_order as previous_agent,
        lag(execution_order) over chat_order as previous_order,
        lag(place, 2) over chat_order as first_place,
        lag(execution_order, 2) over chat_order as first_order,
        coalesce(agent_name = lag(agent_name, 2) over chat_order and agent_name <> previous_agent, false)
            and not bool_or(is_work) over (chat_order rows between 2 preceding and current row)
            and not bool_or(is_before_work) over (chat_order rows between 2 preceding and 1 preceding)
            as is_reply_to_reply
    from marked_turns
    window chat_order as (partition by run_id, chat order by place)
),

-- replies in a row are a stretch, which takes in the two turns that its first reply goes back to
numbered_replies as (
    select
        *,
        number - row_number() over (partition by run_id, chat order by number) as stretch
    from turns
    where is_reply_to_reply
),

-- the turns of a stretch follow each other, but their numbers in the run need not
stretches as (
    select
        run_id,
        chat,
        any_value([least(agent_name, previous_agent), greatest(agent_name, previous_agent)]) as agents,
        count(*) + 2 as turns,
        min(first_place) as first_place,
        max(place) as last_place,
        min(least(first_order, previous_order, execution_order)) as first_order,
        max(greatest(first_order, previous_order, execution_order)) as last_order
    from numbered_replies
    group by
        run_id,
        chat,
        stretch
    having count(*) + 2 >= $min_turns
),

-- what was marked behind the last turn of a stretch is not between its turns
work as (
    select
        turns.run_id,
        turns.chat,
        turns.place,
        calls.status,
        calls.is_marked
    from calls
    inner join placed_turns as turns
        on turns.event_id = calls.turn_id
),

alternations as (
    select
        stretches.run_id,
        stretches.chat,
        stretches.agents,
        stretches.turns,
        stretches.first_place,
        stretches.last_place,
        count(*) filter (where work.status = 'completed') as succeeded,
        count(*) filter (where work.status = 'failed') as failed,
        stretches.first_order,
        stretches.last_order
    from stretches
    left join work
        on work.run_id = stretches.run_id
        and work.chat is not distinct from stretches.chat
        and work.place between stretches.first_place and stretches.last_place
        and not (work.is_marked and work.place = stretches.last_place)
    group by all
    having not $idle or succeeded = 0
)

-- long texts are read last, for what is left
select
    alternations.run_id,
    alternations.agents,
    alternations.turns,
    -- count(distinct ...) would aggregate all rows once more
    len(list_distinct(array_agg([
        messages.content,
        (messages.tool_calls->'$[*].function')::varchar,
        (messages.tool_calls->'$[*].custom')::varchar
    ]))) as distinct_messages,
    alternations.succeeded,
    alternations.failed,
    alternations.first_order,
    alternations.last_order
from alternations
inner join messages
    on messages.run_id = alternations.run_id
    and messages.chat is not distinct from alternations.chat
    and messages.message_order between alternations.first_place and alternations.last_place
where ($run_id is null or ingest.of_run(messages.run_id, messages.event_id, $run_id))
    and list_contains(alternations.agents, messages.sender)
group by all
order by
    turns desc,
    alternations.run_id,
    first_order,
    last_order,
    alternations.agents
