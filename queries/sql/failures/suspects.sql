-- Where did a failed run most likely go wrong, and whose mistake was it?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL, also those that are not known to have failed
--   top BIGINT = 3         suspects per run, at most
--   status VARCHAR = NULL  one of: completed, failed, running, interrupted; all where NULL
--
-- Columns
--   run_id         the run; those that are said to have completed come last
--   rank           1 is the likeliest
--   agent_name     who wrote the message, or whose LLM call or marked step failed; NULL where that is no agent
--   message_order  its place among the messages of the run, from 0; NULL for a failure that no message tells of
--   evidence       all that speaks against the message, the weightiest first
--   suspicion      the weightiest of the evidence, by which the messages are ranked (of two alike the earlier is first);
--                  no proof: of 63 failed AG2 runs whose decisive mistake people had named, rank 1 was the right agent
--                  in 71 % and the right message in 49 %, and one of ranks 1 to 3 in 86 and 70 %. The rules were made
--                  with these runs and their labels at hand, so expect less of others: rank 1 in 74 and 52 % of the half
--                  with the lower numbers, in 69 and 47 % of the other; of 15 runs of Magentic-One, where a supervisor
--                  hands out the work, in 60 and 13 %
--   failed         code executions, tool calls and LLM calls of this message that failed
--   error          the first error among them
--   message        how the message begins; of one without words, the tools that it calls
--   event_id       its turn in execution_events, or the failure
with

-- all that is looked at, in one pass: of a million events, each further one costs one run 2 to 4 ms
read_events as (
    select
        run_id,
        id,
        parent_event_id,
        depth,
        execution_order,
        agent_name,
        event_type,
        event_subtype,
        status,
        error_message,
        case event_type
            when 'agent_call' then json_extract_string(
                meta,
                ['$.internal', '$.code_languages[0]', '$.has_tool_calls', '$.says_made_up', '$.claims_check']
            )
            when 'code_exec' then json_extract_string(meta, ['$.executor', '$.written_in'])
        end as facts,
        case
            when event_type = 'code_exec' then inputs->>'code_hash'
            when event_type = 'tool_call' and status in ('failed', 'pending') then hash(
                inputs->>'tool',
                coalesce(  -- with its keys in order
                    list_sort(map_entries(try(from_json(inputs->'args', '"MAP(VARCHAR, JSON)"'))))::varchar,
                    inputs->>'args'
                )
            )::varchar
        end as input_hash,
        -- of the few turns of nested chats, so that not all that was said is read
        case when event_type = 'agent_call' and depth > 0 then (inputs->>'sender') is null else false end as is_opening,
        -- of all runs, the words are read last, of the suspects alone
        case
            when $run_id is not null and event_type = 'agent_call' then coalesce(
                nullif(inputs->>'message', ''),
                'calls ' || array_to_string(outputs->>'$.tool_calls[*].function.name', ', ')
            )
        end as words
    from execution_events
    where ($run_id is null or run_id = $run_id)
        and (event_type in ('agent_call', 'code_exec') or status in ('failed', 'pending')) is true
),

-- materialized, so that no JSON travels through the windows below
events as materialized (
    select
        * exclude (facts),
        if(event_type = 'code_exec', facts[1], null) as executor,
        if(event_type = 'code_exec', try_cast(facts[2] as uuid), null) as written_in,
        event_type = 'agent_call' and facts[1] is null as is_turn,  -- AG2's own agents that select the next speaker aside
        event_type = 'agent_call' and facts[2] is not null as has_code,
        event_type = 'agent_call' and coalesce(facts[3] = 'true', false) as is_request,
        coalesce(facts[4] = 'true', false) as is_made_up,
        coalesce(facts[5] = 'true', false) as is_claim
    from read_events
),

executors as (
    select
        run_id,
        executor
    from events
    where event_type = 'code_exec'
    union
    select
        run_id,
        executor
    from tool_calls
    where ($run_id is null or run_id = $run_id)
        and executor <> agent_name
),

executions as (
    select
        written_in,
        execution_order,
        status,
        error_message,
        status = 'failed'
            and lead(agent_name) over (partition by run_id order by execution_order) <> agent_name as is_taken_over,
        input_hash is not null
            and row_number() over (partition by run_id, input_hash order by execution_order) > 1 as is_repeat
    from events
    where event_type = 'code_exec'
),

failures_of_turns as (
    select
        run_id,
        parent_event_id,
        execution_order,
        agent_name,
        event_type,
        status,
        error_message,
        row_number() over (
            partition by run_id, agent_name, input_hash
            order by execution_order
        ) > 1 as is_repeat
    from events
    where (
            event_type = 'tool_call'
            and status in ('failed', 'pending')
            and event_subtype <> 'action'  -- marked by the user, asked for by no message
        )
        or (event_type = 'llm_call' and status = 'failed' and parent_event_id is not null)
),

-- the result of a tool stands in the turn of who ran it; the mistake, if any, in the one that asked
requests as (
    select
        run_id,
        id,
        agent_name,
        execution_order
    from events
    where is_request
),

work as (
    select
        written_in as turn_id,
        execution_order,
        status,
        error_message,
        is_repeat,
        false as is_repeated_call,
        is_taken_over
    from executions
    where status in ('failed', 'pending')
        or is_repeat
    union all
    select
        coalesce(
            if(failures.event_type = 'tool_call', requests.id, null),
            failures.parent_event_id
        ) as turn_id,
        failures.execution_order,
        failures.status,
        failures.error_message,
        false as is_repeat,
        failures.is_repeat and failures.event_type = 'tool_call' as is_repeated_call,
        false as is_taken_over
    from failures_of_turns as failures
    asof left join requests
        on requests.run_id = failures.run_id
        and requests.agent_name = failures.agent_name
        and requests.execution_order <= failures.execution_order
),

work_of_turns as (
    select
        turn_id,
        count(*) filter (where status = 'failed') as failed,
        arg_min(error_message, execution_order) filter (where status = 'failed') as error,
        bool_or(is_repeat) as is_repeat,
        bool_or(is_repeated_call) as is_repeated_call,
        bool_or(is_taken_over) as is_taken_over,
        bool_or(status = 'pending') as is_pending
    from work
    group by turn_id
),

turns as (
    select
        events.run_id,
        events.id,
        events.agent_name,
        events.execution_order,
        events.is_opening,
        events.words,
        messages.message_order,
        events.has_code or events.is_request as is_act,
        events.is_made_up,
        events.is_claim
    from events
    inner join messages
        on messages.event_id = events.id
    where events.is_turn
        and ($run_id is null or messages.run_id = $run_id)
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

-- what agents do or say; who only runs the code and the tools of others makes no mistake of its own
candidates as (
    select
        turns.*,
        supervisors.agent_name is not null as is_supervisor,
        coalesce(work.failed, 0) as failed,
        work.error,
        work.is_repeat,
        work.is_repeated_call,
        work.is_taken_over,
        work.is_pending
    from turns
    left join supervisors
        on supervisors.run_id = turns.run_id and supervisors.agent_name = turns.agent_name
    left join work_of_turns as work
        on work.turn_id = turns.id
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
            min(message_order) filter (where message_order > 0 and not is_opening and not is_supervisor),
            min(message_order) filter (where message_order > 0 and not is_opening)
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

failures as (
    select
        *,
        regexp_replace(error_message, '^[\w.]+: ', '') as message
    from events
    where status in ('failed', 'pending')
),

-- LLM calls that led to no message, and what the user's code raised or marked. Code that failed is one failure with the
-- error that tells of it, and so is an exception that leaves one step after the other.
told_failures as (
    select
        told.*,
        lag(told.execution_order) over run_order = told.execution_order - 1
            and lag(told.event_type) over run_order = 'llm_call' as is_raised_by_model,
        if(
            told.event_type = 'llm_call' and lead(told.execution_order) over run_order = told.execution_order + 1,
            lead(told.error_message) over run_order,
            null
        ) as raised
    from failures as told
    anti join failures as earlier
        on earlier.run_id = told.run_id
        and earlier.message = told.message
        and earlier.execution_order < told.execution_order
        and told.event_type <> 'llm_call'
    where told.status = 'failed'
        and (
            told.event_type = 'error'
            or told.event_subtype = 'action'
            or (told.event_type = 'llm_call' and told.parent_event_id is null)
        )
    window run_order as (partition by told.run_id order by told.execution_order)
),

last_turns as (
    select
        run_id,
        max(execution_order) as execution_order
    from events
    where event_type = 'agent_call'
    group by run_id
),

-- what a failed LLM call raises is the next event; it says more than the call, and is no failure of its own
weighed as (
    select
        run_id,
        id,
        execution_order,
        agent_name,
        message_order,
        words,
        failed,
        error,
        is_pending as is_at_end,
        case
            when is_first_on_made_up_data then 1
            when is_first_act or is_first_answer then 2
            when is_claim_alone then 3
            when failed > 0 or is_repeat then 4
        end as weight,
        -- in the order of the weights
        [
            if(is_first_on_made_up_data, 'first code or tool call on data that the message calls made up', null),
            if(is_first_act, 'first code or tool call of the run', null),
            if(is_first_answer, 'first answer in a run without code and tools', null),
            if(is_claim_alone, 'says that it checked, without code or tool', null),
            if(is_first_failure, 'first failure of the run', null),
            if(is_taken_over, 'failed, and somebody else wrote the next code', null),
            if(is_repeat, 'ran the same code again', null),
            if(is_repeated_call, 'made the same failing tool call again', null),
            if(failed > 0 and not is_first_failure, 'failed again', null)
        ] as found
    from findings
    union all
    select
        told_failures.run_id,
        id,
        told_failures.execution_order,
        agent_name,
        null as message_order,
        null as words,
        1 as failed,
        coalesce(raised, error_message) as error,
        -- who asserts that the answer is right has found the mistake, and not made it
        told_failures.execution_order > coalesce(last_turns.execution_order, -1)
            and event_subtype is distinct from 'AssertionError' as is_at_end,
        4 as weight,
        [if(event_type = 'llm_call', 'its LLM call failed', 'marked as failed, or raised')] as found
    from told_failures
    left join last_turns
        on last_turns.run_id = told_failures.run_id
    where is_raised_by_model is distinct from true
),

-- what the run was at when it ended badly comes before all else
suspects as (
    select
        weighed.*,
        runs.status is not distinct from 'completed' as is_completed,
        case
            when is_at_end is distinct from true then null
            when message_order is not null and runs.status = 'interrupted'
                then 'waited for a tool when the run was cut off'
            when message_order is null and runs.status in ('failed', 'interrupted') then 'the run ended with it'
        end as end_finding,
        if(end_finding is null, weight, 0) as weight_with_end,
        row_number() over (partition by weighed.run_id order by weight_with_end, weighed.execution_order) as rank
    from weighed
    inner join runs
        on runs.run_id = weighed.run_id
    where weight_with_end is not null
        and ($status is null or runs.status = $status)
    qualify rank <= $top
)

select
    suspects.run_id,
    suspects.rank,
    suspects.agent_name,
    suspects.message_order,
    list_filter(list_prepend(suspects.end_finding, suspects.found), lambda finding: finding is not null) as evidence,
    evidence[1] as suspicion,
    suspects.failed,
    suspects.error,
    coalesce(
        suspects.words,
        nullif(events.inputs->>'message', ''),
        'calls ' || array_to_string(events.outputs->>'$.tool_calls[*].function.name', ', ')
    ) as message,
    suspects.id as event_id
from suspects
left join execution_events as events
    on $run_id is null
    and events.id = suspects.id
    and events.event_type = 'agent_call'
order by
    suspects.is_completed,
    suspects.run_id,
    suspects.rank
