-- Where did a failed run most likely go wrong, and whose mistake was it?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
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
--                  in 71 % and the right message in 49 %; of 15 of Magentic-One, which act without code, in 33 and 7 %
--   failed         code executions and tool calls of this message that failed
--   error          the first error among them
--   message        how the message begins
--   event_id       its turn in execution_events
with

executions as (
    select
        run_id,
        execution_order,
        agent_name,
        (meta->>'executor') as executor,
        try_cast(meta->>'written_in' as uuid) as turn_id,
        inputs->>'code_hash' as code_hash,
        status,
        error_message,
        lead(agent_name) over (partition by run_id order by execution_order) as next_agent
    from execution_events
    where ($run_id is null or run_id = $run_id)
        and event_type = 'code_exec'
),

executors as (
    select distinct
        run_id,
        executor
    from executions
),

first_executions as (
    select
        run_id,
        code_hash,
        min(execution_order) as first_order
    from executions
    group by
        run_id,
        code_hash
),

work as (
    select
        executions.run_id,
        executions.turn_id,
        executions.execution_order,
        executions.status,
        executions.error_message,
        executions.execution_order > first_executions.first_order as is_repeat,
        executions.status = 'failed' and executions.next_agent <> executions.agent_name as is_taken_over
    from executions
    left join first_executions
        on first_executions.run_id = executions.run_id and first_executions.code_hash = executions.code_hash
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
        and (meta->>'action') is null  -- marked by the user, asked for by no message
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
    group by
        run_id,
        turn_id
),

turns as (
    select
        turns.run_id,
        turns.id,
        turns.agent_name,
        messages.message_order,
        json_array_length(turns.meta->'code_languages') > 0 or (turns.meta->>'has_tool_calls') = 'true' as is_act,
        (turns.meta->>'says_made_up') = 'true' as is_made_up,
        (turns.meta->>'claims_check') = 'true' as is_claim
    from execution_events as turns
    inner join messages
        on messages.run_id = turns.run_id and messages.event_id = turns.id
    where ($run_id is null or turns.run_id = $run_id)
        and ($run_id is null or messages.run_id = $run_id)
        and turns.event_type = 'agent_call'
        and (turns.meta->>'internal') is null  -- AG2's own agents that select the next speaker
),

-- what agents do or say; who only runs the code of others makes no mistake of its own
candidates as (
    select
        turns.*,
        coalesce(work.failed, 0) as failed,
        work.error,
        work.is_repeat,
        work.is_taken_over
    from turns
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
        min(message_order) filter (where message_order > 0) as reply,
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
        coalesce(is_claim and not is_act, false) as is_claim_alone,
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
            when is_first_failure then 4
            when is_taken_over then 5
            when is_repeat then 6
            when failed > 0 then 7
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
    turns.inputs->>'message' as message,
    suspects.id as event_id
from suspects
inner join execution_events as turns
    on turns.run_id = suspects.run_id and turns.id = suspects.id
where $run_id is null or turns.run_id = $run_id
order by
    suspects.run_id,
    suspects.rank
