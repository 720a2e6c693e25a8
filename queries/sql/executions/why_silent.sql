-- Why did an agent not speak in a run?
--
-- Parameters
--   agent_name VARCHAR = NULL  one agent, whether or not the run knows it; all that the run knows where NULL
--   run_id VARCHAR = NULL      one run; all runs where NULL
--
-- Columns
--   run_id             the run
--   agent_name         the agent; managers of group chats only where asked for
--   status             fired_successfully, failed, timeout, skipped (a member, others were chosen) or never_invoked
--   in_chat            whether it was a member of a group chat, as far as the recorder saw the members
--   executions         how often it was at work
--   failed             how many of them failed
--   times_chosen       how often it was chosen as the next speaker of a group chat
--   times_passed_over  how often another member of its group chat was chosen
--   chosen_instead     who that was, most often first
--   selection          ways in which speakers of its group chat were chosen
--   error_message      its last error
with

chosen_runs as (
    select
        run_id,
        json_transform(meta->'agents', '[{"name": "VARCHAR", "members": ["VARCHAR"]}]') as agents
    from runs
    where $run_id is null or run_id = $run_id
),

registered_agents as (
    select
        run_id,
        unnest(agents) as agent
    from chosen_runs
),

members as (
    select distinct
        run_id,
        agent.name as chat,
        unnest(agent.members) as agent_name
    from registered_agents
),

executions as (
    select
        run_id,
        agent_name,
        count(*) as executions,
        count(*) filter (where status in ('FAILED', 'TIMEOUT')) as failed,
        count(*) filter (where status = 'TIMEOUT') as timed_out,
        arg_max(error_message, execution_order) as error_message
    from ingest.explained_executions
    where $run_id is null or run_id = $run_id
    group by
        run_id,
        agent_name
),

choices as (
    select
        run_id,
        inputs->>'to_agent' as chosen,
        count(*) as times,
        list_distinct(array_agg(coalesce(meta->>'selection', 'unknown'))) as selection
    from execution_events
    where ($run_id is null or run_id = $run_id)
        and event_type = 'handoff'
        and (meta->>'reason') = 'group_chat_selection'
    group by
        run_id,
        chosen
),

-- each member of a chat is a candidate whenever a member of the same chat, it itself or another, is chosen
candidacies as (
    select distinct
        candidates.run_id,
        candidates.agent_name,
        speakers.agent_name as speaker
    from members as candidates
    inner join members as speakers
        on speakers.run_id = candidates.run_id and speakers.chat = candidates.chat
),

evidence as (
    select
        candidacies.run_id,
        candidacies.agent_name,
        coalesce(sum(choices.times) filter (where speaker = agent_name), 0)::bigint as times_chosen,
        coalesce(sum(choices.times) filter (where speaker <> agent_name), 0)::bigint as times_passed_over,
        array_agg(chosen order by choices.times desc, chosen) filter (where chosen <> agent_name) as chosen_instead,
        list_sort(list_distinct(flatten(array_agg(choices.selection)))) as selection
    from candidacies
    left join choices
        on choices.run_id = candidacies.run_id and choices.chosen = candidacies.speaker
    group by
        candidacies.run_id,
        candidacies.agent_name
),

-- the agents in question: known to the run, or asked for
agents as (
    select run_id, agent.name as agent_name from registered_agents where agent.members is null
    union
    select run_id, agent_name from evidence
    union
    select run_id, agent_name from executions
    union
    select run_id, $agent_name from chosen_runs
)

select
    agents.run_id,
    agents.agent_name,
    case
        when executions.executions > executions.failed then 'fired_successfully'
        when executions.executions > executions.timed_out then 'failed'
        when executions.executions is not null then 'timeout'
        when evidence.agent_name is not null then 'skipped'
        else 'never_invoked'
    end as status,
    evidence.agent_name is not null as in_chat,
    coalesce(executions.executions, 0) as executions,
    coalesce(executions.failed, 0) as failed,
    coalesce(evidence.times_chosen, 0) as times_chosen,
    coalesce(evidence.times_passed_over, 0) as times_passed_over,
    coalesce(evidence.chosen_instead, []) as chosen_instead,
    coalesce(evidence.selection, []) as selection,
    executions.error_message
from agents
left join executions
    on executions.run_id = agents.run_id and executions.agent_name = agents.agent_name
left join evidence
    on evidence.run_id = agents.run_id and evidence.agent_name = agents.agent_name
where agents.agent_name is not null
    and ($agent_name is null or agents.agent_name = $agent_name)
order by
    executions.executions is not null,
    agents.run_id,
    agents.agent_name
