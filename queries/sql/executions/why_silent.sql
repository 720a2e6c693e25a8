-- Why did an agent not speak in a run?
--
-- Parameters
--   agent_name VARCHAR = NULL  one agent, whether or not the run knows it; all that the run knows where NULL
--   run_id VARCHAR = NULL      one run; all runs where NULL
--
-- Columns
--   run_id             the run
--   agent_name         the agent; managers of group chats only where asked for, or where they failed, and AG2's own agents
--                      that choose the next speaker only where asked for
--   status             fired_successfully, failed, timeout, chosen (or spoken to outside of a group, and nothing more is
--                      known: its reply was empty, the run was cut off, or what it asked others for failed), skipped (a
--                      member that was not chosen: others were, as far as choices are told; what its model was asked by
--                      other code is no choice), manager (of a group chat, whose speakers it chose) or never_invoked
--                      (also where AG2's choice of a speaker failed before anybody was chosen)
--   in_chat            whether it was a member or the manager of a group chat, as far as the recorder saw the members
--   executions         how often it was at work
--   failed             how many of them failed
--   times_chosen       how often it was chosen as the next speaker of a group chat
--   is_candidate       whether it ever could have been chosen: true where it was, or where a request of AG2 to its
--                      selecting agent names it among the candidates; false where every choice had such a request, and
--                      none names it; NULL where some choice had none (one candidate, round_robin, a function of the
--                      user ...)
--   others_chosen      how often another member of its group chat was chosen
--   times_passed_over  how often that was though it is known to have been a candidate; NULL where no request tells
--   chosen_instead     who was chosen, most often first
--   selection          ways in which speakers of its group chat were chosen; 'fallback' where AG2 asked its selecting
--                      agent in vain, and took the next one
--   error_message      its last error; of one that was not at work that of AG2's choice of a speaker, where that failed
--                      and none was made
with

chosen_runs as (
    select
        run_id,
        json_transform(meta->'agents', '[{"name": "VARCHAR", "group": "VARCHAR", "members": ["VARCHAR"]}]') as agents,
        meta->>'$.agents[*].members[*]' as all_members
    from runs
    where $run_id is null or run_id = $run_id
),

registered_agents as materialized (
    select
        run_id,
        unnest(agents) as agent,
        all_members,
        unnest(range(len(agents))) as place
    from chosen_runs
),

executions_of_agents as (
    select
        run_id,
        agent_name,
        count(*) as executions,
        count(*) filter (where id is distinct from call_id) as turns,  -- and no LLM call alone
        count(failed_stage) as failed,
        count(*) filter (where status = 'TIMEOUT') as timed_out,
        count(*) filter (where is_reply and failed_stage is null) as replies,
        arg_max(error_order, execution_order) as error_order
    from executions
    where $run_id is null or ingest.of_run(run_id, id, $run_id)
    group by
        run_id,
        agent_name
),

choices as (
    select
        run_id,
        group_places,
        chosen,
        count(*) as times,
        count(candidates) as requests,
        list_distinct(array_agg(selection)) as selection,
        list_histogram(
            flatten(array_agg(candidates->>'$[*]') filter (where candidates is not null))
        ) as candidates  -- how often each was one
    from selections
    where $run_id is null or ingest.of_run(run_id, event_id, $run_id)
    group by
        run_id,
        group_places,
        chosen
),

choices_of_groups as (
    select
        * exclude (group_places),
        unnest(group_places::bigint[]) as place
    from choices
),

members as (
    select distinct
        run_id,
        place,
        unnest(agent.members) as agent_name,
        false as is_manager
    from registered_agents
    union all
    select
        run_id,
        place,
        agent.name,
        true
    from registered_agents
    where agent.members is not null
        and not list_contains(all_members, agent.name)  -- managers too, unless they are members of another group
),

-- each member of a group, with each whose choice was one of this group: it itself or another
evidence as (
    select
        members.run_id,
        members.agent_name,
        members.is_manager,
        coalesce(sum(choices.times) filter (where choices.chosen = members.agent_name), 0)::bigint as times_chosen,
        coalesce(sum(choices.times) filter (where choices.chosen <> members.agent_name), 0)::bigint as others_chosen,
        case
            when sum(choices.requests) > 0
                then coalesce(
                    sum(choices.candidates[members.agent_name]) filter (where choices.chosen <> members.agent_name), 0
                )::bigint
        end as times_passed_over,
        case
            when times_chosen > 0 or sum(choices.candidates[members.agent_name]) > 0 then true
            when sum(choices.requests) = sum(choices.times) then false
        end as is_candidate,
        array_agg(choices.chosen order by choices.times desc, choices.chosen)
            filter (where choices.chosen <> members.agent_name) as chosen_instead,
        list_sort(list_distinct(flatten(array_agg(choices.selection)))) as selection
    from members
    left join choices_of_groups as choices
        on choices.run_id = members.run_id and choices.place = members.place
    group by
        members.run_id,
        members.agent_name,
        members.is_manager
),

-- to whom somebody spoke
asked as (
    select distinct
        run_id,
        recipient as agent_name
    from messages
    where ($run_id is null or ingest.of_run(run_id, event_id, $run_id))
        and recipient is not null
        and internal is distinct from true
),

-- the agents in question: known to the run, or asked for
agents as (
    select run_id, agent.name as agent_name from registered_agents where agent.members is null
    union
    select run_id, agent_name from evidence where not is_manager
    union
    select run_id, agent_name from executions_of_agents
    union
    select run_id, $agent_name from chosen_runs
)

select
    agents.run_id,
    agents.agent_name,
    case
        when executions.replies > 0 then 'fired_successfully'
        when executions.failed > executions.timed_out then 'failed'
        when executions.failed > 0 then 'timeout'
        when evidence.is_manager then 'manager'
        when evidence.times_chosen > 0
            or executions.turns > 0
            or (executions.executions > 0 and (evidence.agent_name is null or asked.agent_name is not null))
            then 'chosen'
        when selecting.error_order is not null then 'never_invoked'
        when evidence.agent_name is not null then 'skipped'
        when asked.agent_name is not null then 'chosen'
        else 'never_invoked'
    end as status,
    evidence.agent_name is not null as in_chat,
    coalesce(executions.executions, 0) as executions,
    coalesce(executions.failed, 0) as failed,
    coalesce(evidence.times_chosen, 0) as times_chosen,
    evidence.is_candidate,
    coalesce(evidence.others_chosen, 0) as others_chosen,
    evidence.times_passed_over,
    -- each once, also where it is in several groups with the agent
    list_filter(
        coalesce(evidence.chosen_instead, []),
        lambda name, place: list_position(evidence.chosen_instead, name) = place
    ) as chosen_instead,
    coalesce(evidence.selection, []) as selection,
    errors.error_message
from agents
left join (
    select
        run_id,
        max(error_order) as error_order
    from executions_of_agents
    where agent_name in ('checking_agent', 'speaker_selection_agent')
        and run_id not in (select run_id from choices)
    group by run_id
) as selecting
    on selecting.run_id = agents.run_id
left join executions_of_agents as executions
    on executions.run_id = agents.run_id and executions.agent_name = agents.agent_name
left join asked
    on asked.run_id = agents.run_id and asked.agent_name = agents.agent_name
left join evidence
    on evidence.run_id = agents.run_id and evidence.agent_name = agents.agent_name
left join execution_events as errors
    on errors.run_id = agents.run_id
    and errors.execution_order = if(
        executions.executions is null and evidence.agent_name is not null, selecting.error_order, executions.error_order
    )
    and ($run_id is null or ingest.of_run(errors.run_id, errors.id, $run_id))
where agents.agent_name is not null
    and if(
        $agent_name is null,
        agents.agent_name not in ('checking_agent', 'speaker_selection_agent'),
        agents.agent_name = $agent_name
    )
order by
    executions.executions is not null,
    agents.run_id,
    agents.agent_name
