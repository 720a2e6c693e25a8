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
--   suspicion      the weightiest of the evidence, by which the messages are ranked (of two alike the earlier is first);
--                  no proof: of 63 failed AG2 runs whose decisive mistake people had named, rank 1 was the right agent
--                  in 71 % and the right message in 49 %; of 15 of Magentic-One, which act without code, in 33 and 7 %
--   evidence       all that speaks against the message
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
        trim(outputs->>'result') = '' as is_silent,
        error_message
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

-- the author of the next code took over where an execution failed
numbered_executions as (
    select
        *,
        code_hash is not null and row_number() over (partition by run_id, code_hash order by execution_order) > 1
            as is_repeat,
        status = 'failed' and lead(agent_name) over (partition by run_id order by execution_order) <> agent_name
            as is_corrected
    from executions
),

work as (
    select
        run_id,
        turn_id,
        execution_order,
        status,
        error_message,
        is_silent,
        is_repeat,
        is_corrected
    from numbered_executions
    union all
    select
        run_id,
        parent_event_id as turn_id,
        execution_order,
        status,
        error_message,
        false as is_silent,
        false as is_repeat,
        false as is_corrected
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
        bool_or(status = 'completed' and is_silent) as is_silent,
        bool_or(is_repeat) as is_repeat,
        bool_or(is_corrected) as is_corrected
    from work
    group by
        run_id,
        turn_id
),

turns as (
    select
        turns.run_id,
        turns.id as event_id,
        turns.execution_order,
        turns.agent_name,
        messages.message_order,
        turns.inputs->>'message' as message,
        json_array_length(turns.meta->'code_languages') > 0 or (turns.meta->>'has_tool_calls') = 'true' as is_act,
        coalesce((turns.meta->>'says_made_up') = 'true', false) as is_made_up,
        coalesce((turns.meta->>'claims_check') = 'true', false) as is_claim
    from execution_events as turns
    inner join messages
        on messages.run_id = turns.run_id and messages.event_id = turns.id
    where ($run_id is null or turns.run_id = $run_id)
        and turns.event_type = 'agent_call'
        and (turns.meta->>'internal') is null  -- AG2's own agents that select the next speaker
),

-- what agents do or say; who only runs the code of others makes no mistake of its own
candidates as (
    select
        turns.*,
        coalesce(work.failed, 0) as failed,
        work.error,
        coalesce(work.is_silent, false) as is_silent,
        coalesce(work.is_repeat, false) as is_repeat,
        coalesce(work.is_corrected, false) as is_corrected
    from turns
    left join work_of_turns as work
        on work.run_id = turns.run_id and work.turn_id = turns.event_id
    left join executors
        on executors.run_id = turns.run_id and executors.executor = turns.agent_name
    where turns.is_act or executors.executor is null
),

numbered_candidates as (
    select
        *,
        bool_or(is_act) over (partition by run_id) as is_run_with_acts,
        row_number() over (partition by run_id, is_act order by message_order) = 1 as is_first_alike,
        row_number() over (partition by run_id, is_act and is_made_up order by message_order) = 1 as is_first_made_up,
        row_number() over (partition by run_id, failed > 0 order by message_order) = 1 as is_first_failed,
        row_number() over (partition by run_id, message_order > 0 order by message_order) = 1 as is_first_reply
    from candidates
),

-- a message may speak against itself in several ways; each kind of evidence points at one message where it can
findings as (
    select
        *,
        list_filter(
            [
                {
                    'weight': 1,
                    'finding': 'first code or tool call on data that the message calls made up',
                    'holds': is_act and is_made_up and is_first_made_up
                },
                {
                    'weight': 2,
                    'finding': 'first code or tool call of the run',
                    'holds': is_act and is_first_alike
                },
                {
                    'weight': 2,
                    'finding': 'first answer in a run without code and tools',
                    'holds': message_order > 0 and is_first_reply and not is_run_with_acts
                },
                {
                    'weight': 3,
                    'finding': 'says that it checked, without code or tool',
                    'holds': is_claim and not is_act
                },
                {'weight': 4, 'finding': 'first failure of the run', 'holds': failed > 0 and is_first_failed},
                {'weight': 5, 'finding': 'failed, and somebody else wrote the next code', 'holds': is_corrected},
                {'weight': 6, 'finding': 'ran the same code again', 'holds': is_repeat},
                {'weight': 7, 'finding': 'failed again', 'holds': failed > 0 and not is_first_failed},
                {'weight': 8, 'finding': 'its code printed nothing', 'holds': is_silent}
            ],
            lambda finding: finding.holds
        ) as findings
    from numbered_candidates
),

suspects as (
    select
        *,
        row_number() over (partition by run_id order by findings[1].weight, message_order) as rank
    from findings
    where len(findings) > 0
)

select
    run_id,
    rank,
    agent_name,
    message_order,
    findings[1].finding as suspicion,
    list_transform(findings, lambda finding: finding.finding) as evidence,
    failed,
    error,
    message,
    event_id
from suspects
where rank <= $top
order by
    run_id,
    rank
