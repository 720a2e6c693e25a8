-- The choices of a next speaker in the group chats of $run_ids. A choice shows by a handoff, or, where it keeps the speaker,
-- by that agent's next turn alone, or what led to none: an LLM call, or the exception that ended the turn. What AG2 asked its
-- selecting agent, and what that answered, come before in the same chat. Of both 10,000 characters are looked at: the names
-- of some hundred agents. The choices of a chat are those of the group that is known, or else of those that most of the
-- chosen are members of; an agent may be in several groups.
insert into selections by name
with

-- each kind by itself, and what is read of its text before anything is joined: a join would gather the whole texts
turns as (
    select
        run_id,
        id,
        execution_order,
        chat,
        agent_name,
        json_extract_string(meta, ['$.reason', '$.selection', '$.group']) as facts
    from execution_events
    where id between $low::uuid and $high::uuid
        and (
            (event_type = 'agent_call' and not ingest.is_aside(event_subtype))
            or (
                (event_type = 'error' or (event_type = 'llm_call' and event_subtype = 'single'))
                and (meta->>'reason') = 'group_chat_selection'
            )
        )
        and (agent_name in ('checking_agent', 'speaker_selection_agent')) is not true
),

requests as (
    select
        run_id,
        id,
        execution_order,
        chat,
        agent_name,
        regexp_extract(left(outputs->>'full_content', 10000), 'from (\[.*\])', 1) as request
    from execution_events
    where id between $low::uuid and $high::uuid
        and event_type = 'agent_call'
        and agent_name = 'checking_agent'
),

answers as (
    select
        run_id,
        id,
        execution_order,
        chat,
        agent_name,
        coalesce(left(outputs->>'full_content', 10000), '') as answer
    from execution_events
    where id between $low::uuid and $high::uuid
        and event_type = 'agent_call'
        and agent_name = 'speaker_selection_agent'
),

handoffs as (
    select
        run_id,
        id,
        execution_order,
        chat,
        agent_name,
        inputs->>'to_agent' as target,
        json_extract_string(meta, ['$.reason', '$.selection', '$.group']) as facts
    from execution_events
    where id between $low::uuid and $high::uuid
        and event_type = 'handoff'
        and (meta->>'reason') = 'group_chat_selection'
),

found as (
    select
        *,
        false as is_handoff,
        false as is_asking
    from turns
    union all by name
    select
        *,
        false as is_handoff,
        true as is_asking
    from requests
    union all by name
    select
        *,
        false as is_handoff,
        true as is_asking
    from answers
    union all by name
    select
        *,
        true as is_handoff,
        false as is_asking
    from handoffs
),

events as materialized (
    select *
    from found
    where run_id in (select unnest($run_ids::varchar[]))
),

outcomes as (
    select
        run_id,
        id,
        execution_order,
        chat,
        coalesce(target, if(is_handoff, null, agent_name)) as chosen,
        if(facts[1] = 'group_chat_selection', coalesce(facts[2], 'unknown'), null) as selection,
        facts[3] as group_name
    from events
    where is_asking is not true
        and (is_handoff or agent_name is not null)
),

asked as (
    select
        outcomes.run_id,
        outcomes.id,
        arg_min(events.request, events.execution_order) as request,
        arg_max(events.answer, events.execution_order) as answer
    from events
    asof join outcomes
        on outcomes.run_id = events.run_id
        and outcomes.chat is not distinct from events.chat
        and events.execution_order < outcomes.execution_order
    where events.is_asking
    group by
        outcomes.run_id,
        outcomes.id
),

answered as (
    select
        outcomes.*,
        case when asked.request <> '' then list_transform(
            regexp_extract_all(asked.request, '[''"](.+?)[''"](?:, |\]$)', 1),
            -- Python's escapes, as JSON has them; a name that is none of Python's stays
            lambda name: coalesce(
                try_cast(
                    concat(
                        '"',
                        replace(
                            regexp_replace(
                                replace(replace(replace(name, '\\', chr(0)), '\''', ''''), '"', '\"'),
                                '\\x([0-9a-f]{2})',
                                '\\u00\1',
                                'g'
                            ),
                            chr(0),
                            '\\'
                        ),
                        '"'
                    ) as json
                )->>'$',
                name
            )
        ) end as candidates,
        -- an answer that names nobody is no choice, and to AG2 neither is one that names several
        case
            when length(outcomes.chosen) < 1000 then not ingest.names(asked.answer, outcomes.chosen)
                or len(list_filter(
                    candidates,
                    lambda name: name <> outcomes.chosen and length(name) < 1000 and ingest.names(asked.answer, name)
                )) > 0
        end as is_fallback
    from outcomes
    left join asked
        on asked.run_id = outcomes.run_id
        and asked.id = outcomes.id
),

choices as materialized (
    select *
    from answered
    where selection is not null
        or candidates is not null
),

groups as (
    select *
    from (
        select
            run_id,
            unnest(agents) as agent,
            unnest(range(len(agents))) as place
        from (
            select
                run_id,
                json_transform(
                    meta->'agents', '[{"name": "VARCHAR", "group": "VARCHAR", "members": ["VARCHAR"]}]'
                ) as agents
            from runs
            where run_id in (select run_id from choices)
        )
    )
    where agent.members is not null
),

groups_of_chats as (
    select
        chats.run_id,
        chats.chat,
        chats.group_name,
        groups.place,
        count(distinct chats.chosen) as chosen_members
    from (select distinct run_id, chat, group_name, chosen from choices) as chats
    inner join groups
        on groups.run_id = chats.run_id
        and coalesce(chats.group_name = coalesce(groups.agent.group, groups.agent.name), true)
        and list_contains(groups.agent.members, chats.chosen)
    group by
        chats.run_id,
        chats.chat,
        chats.group_name,
        groups.place
    qualify chosen_members = max(chosen_members) over (partition by chats.run_id, chats.chat, chats.group_name)
),

likely_groups as (
    select
        run_id,
        chat,
        group_name,
        min(place, 10) as places
    from groups_of_chats
    group by
        run_id,
        chat,
        group_name
)

select
    choices.run_id,
    choices.id as event_id,
    choices.execution_order,
    choices.chat,
    choices.group_name,
    to_json(likely_groups.places) as group_places,
    choices.chosen,
    case
        when choices.is_fallback then 'fallback'
        else coalesce(choices.selection, 'auto')
    end as selection,
    to_json(choices.candidates) as candidates
from choices
left join likely_groups
    on likely_groups.run_id = choices.run_id
    and likely_groups.chat is not distinct from choices.chat
    and likely_groups.group_name is not distinct from choices.group_name
order by
    left(choices.run_id, 8),
    left(choices.id::varchar, 13),  -- what all ids of a run begin with
    choices.execution_order
