-- Where did a failed run most likely go wrong, and whose mistake was it?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL, also those that are not known to have failed
--   top BIGINT = 3         suspects per run, at most
--
-- Columns
--   run_id         the run
--   rank           1 is the likeliest
--   agent_name     who wrote the message
--   message_order  its place among the messages of the run, from 0
--   evidence       all that speaks against the message, the weightiest first
--   suspicion      the weightiest of the evidence, by which the messages are ranked (of two alike the earlier is first);
--                  no proof: of 63 failed AG2 runs whose decisive mistake people had named, rank 1 was the right agent
--                  in 71 % and the right message in 49 %, and one of ranks 1 to 3 in 86 and 70 %; of 15 runs of
--                  Magentic-One, where a supervisor hands out the work, rank 1 in 60 and 13 %
--   failed         code executions and tool calls of this message that failed
--   error          the first error among them
--   message        how the message begins; of one without words, the tools that it calls
--   event_id       its turn in execution_events
with

-- materialized, so that no JSON travels through the windows below
executions as materialized (
    select
        run_id,
        execution_order,
        agent_name,
        json_extract_string(meta, ['$.executor', '$.written_in']) as facts,
        inputs->>'code_hash' as code_hash,
        status,
        error_message
    from execution_events
    where ($run_id is null or run_id = $run_id)
        and event_type = 'code_exec'
),

executors as (
    select distinct
        run_id,
        facts[1] as executor
    from executions
),

executions_in_order as (
    select
        *,
        lead(agent_name) over (partition by run_id order by execution_order) as next_agent,
        row_number() over (partition by run_id, code_hash order by execution_order) > 1 as is_repeat
    from executions
),

work as (
    select
        run_id,
        try_cast(facts[2] as uuid) as turn_id,
        execution_order,
        status,
        error_message,
        is_repeat and code_hash is not null as is_repeat,
        status = 'failed' and next_agent <> agent_name as is_taken_over
    from executions_in_order
    union all
    select
        run_id,
        parent_event_id as turn_id,
        execution_order,
        status,
        error_message,
        false as is_repeat,
        false as is_taken_over
    from execution_events
    where ($run_id is null or run_id = $run_id)
        and event_type = 'tool_call'
        and event_subtype <> 'action'  -- marked by the user, asked for by no message
        and status = 'failed'
),

work_of_turns as (
    select
        run_id,
        turn_id,
        count(*) filter (where status = 'failed') as failed,
        arg_min(error_message, execution_order) filter (where status = 'failed') as error,
        bool_or(is_repeat) as is_repeat,
        bool_or(is_taken_over) as is_taken_over
    from work
    where status = 'failed'
        or is_repeat
    group by
        run_id,
        turn_id
),

turns_with_facts as materialized (
    select
        run_id,
        id,
        agent_name,
        json_extract_string(
            meta,
            ['$.internal', '$.code_languages[0]', '$.has_tool_calls', '$.says_made_up', '$.claims_check']
        ) as facts
    from execution_events
    where ($run_id is null or run_id = $run_id)
        and event_type = 'agent_call'
),

turns as (
    select
        turns.run_id,
        turns.id,
        turns.agent_name,
        messages.message_order,
        (turns.facts[2] is not null or coalesce(turns.facts[3] = 'true', false)) as is_act,
        coalesce(turns.facts[4] = 'true', false) as is_made_up,
        coalesce(turns.facts[5] = 'true', false) as is_claim
    from turns_with_facts as turns
    inner join messages
        on messages.run_id = turns.run_id and messages.event_id = turns.id
    where ($run_id is null or messages.run_id = $run_id)
        and turns.facts[1] is null  -- AG2's own agents that select the next speaker
),

-- who of three or more speaks more than all others together hands out work; its plan is not yet an answer
supervisors as (
    select
        run_id,
        agent_name
    from turns
    group by
        run_id,
        agent_name
    qualify 2 * count(*) > sum(count(*)) over (partition by run_id)
        and count(*) over (partition by run_id) > 2
),

-- what agents do or say; who only runs the code of others makes no mistake of its own
candidates as (
    select
        turns.*,
        supervisors.agent_name is not null as is_supervisor,
        coalesce(work.failed, 0) as failed,
        work.error,
        work.is_repeat,
        work.is_taken_over
    from turns
    left join supervisors
        on supervisors.run_id = turns.run_id and supervisors.agent_name = turns.agent_name
    left join work_of_turns as work
        on work.run_id = turns.run_id and work.turn_id = turns.id
    left join executors
        on executors.run_id = turns.run_id and executors.executor = turns.agent_name
    where turns.is_act or executors.executor is null
),

first_candidates as (
    select
        run_id,
        min(message_order) filter (where is_act) as act,
        min(message_order) filter (where is_act and is_made_up) as made_up_act,
        coalesce(
            min(message_order) filter (where message_order > 0 and not is_supervisor),
            min(message_order) filter (where message_order > 0)
        ) as reply,
        min(message_order) filter (where failed > 0) as failure
    from candidates
    group by run_id
),

-- each kind of evidence points at one message where it can
findings as (
    select
        candidates.*,
        coalesce(message_order = firsts.made_up_act, false) as is_first_on_made_up_data,
        coalesce(message_order = firsts.act, false) as is_first_act,
        coalesce(firsts.act is null and message_order = firsts.reply, false) as is_first_answer,
        is_claim and not is_act as is_claim_alone,
        coalesce(message_order = firsts.failure, false) as is_first_failure
    from candidates
    inner join first_candidates as firsts
        on firsts.run_id = candidates.run_id
),

weighed_findings as (
    select
        *,
        case
            when is_first_on_made_up_data then 1
            when is_first_act or is_first_answer then 2
            when is_claim_alone then 3
            when failed > 0 or is_repeat then 4
        end as weight
    from findings
),

suspects as (
    select
        *,
        row_number() over (partition by run_id order by weight, message_order) as rank
    from weighed_findings
    where weight is not null
    qualify rank <= $top
)

select
    suspects.run_id,
    suspects.rank,
    suspects.agent_name,
    suspects.message_order,
    -- in the order of the weights
    list_filter(
        [
            if(is_first_on_made_up_data, 'first code or tool call on data that the message calls made up', null),
            if(is_first_act, 'first code or tool call of the run', null),
            if(is_first_answer, 'first answer in a run without code and tools', null),
            if(is_claim_alone, 'says that it checked, without code or tool', null),
            if(is_first_failure, 'first failure of the run', null),
            if(is_taken_over, 'failed, and somebody else wrote the next code', null),
            if(is_repeat, 'ran the same code again', null),
            if(failed > 0 and not is_first_failure, 'failed again', null)
        ],
        lambda finding: finding is not null
    ) as evidence,
    evidence[1] as suspicion,
    suspects.failed,
    suspects.error,
    coalesce(
        nullif(turns.inputs->>'message', ''),
        'calls ' || array_to_string(turns.outputs->>'$.tool_calls[*].function.name', ', ')
    ) as message,
    suspects.id as event_id
from suspects
inner join execution_events as turns
    on turns.run_id = suspects.run_id and turns.id = suspects.id
where $run_id is null or turns.run_id = $run_id
order by
    suspects.run_id,
    suspects.rank
