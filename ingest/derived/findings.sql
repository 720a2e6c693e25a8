-- What speaks against a message or a step of the runs $run_ids: signs that the run went wrong there, which `suspects` ranks.
insert into findings by name
with

read_events as (
    select
        run_id,
        id,
        chat,
        parent_event_id,
        depth,
        execution_order,
        completed_at,
        agent_name,
        event_type,
        event_subtype,
        status,
        case when error_message is not null then execution_order end as error_order,
        -- of the words, not of the exception's name
        md5_number(regexp_replace(error_message, '^[\w.]+: ', '')) as error_hash,
        case event_type
            when 'agent_call' then json_extract_string(
                meta,
                [
                    '$.internal',
                    '$.code_languages',
                    '$.has_tool_calls',
                    '$.says_made_up',
                    '$.claims_check',
                    '$.only_hands_over',
                    '$.makes_up'
                ]
            )
            when 'code_exec' then [meta->>'executor']
        end as facts,
        case when event_type = 'error' then try_cast(meta->>'echo_of' as uuid) end as echo_of,
        -- the result of a tool stands in the turn of who ran it; the mistake, if any, in the one that asked
        case
            when event_type in ('code_exec', 'tool_call') then ingest.asked_in(meta)
        end as asked_in,
        case
            when event_type = 'code_exec' then inputs->>'code_hash'
            when event_type = 'tool_call' and status in ('failed', 'pending') then hash(
                meta->>'tool_name', meta->>'args_hash'
            )::varchar
        end as input_hash,
        -- of the few turns of nested chats, so that not all that was said is read
        case when event_type = 'agent_call' and depth > 0 then (inputs->>'sender') is null else false end as is_opening
    from execution_events
    where run_id in (select unnest($run_ids::varchar[]))
        and id between $low::uuid and $high::uuid
        and (event_type in ('agent_call', 'code_exec') or status in ('failed', 'pending')) is true
        and event_subtype <> 'unspoken'  -- of the exception that ended one an error tells
),

-- materialized, so that no JSON travels through the windows below
events as materialized (
    select
        * exclude (facts),
        if(event_type = 'code_exec', facts[1], null) as executor,
        event_type = 'agent_call' and facts[1] is null as is_turn,  -- AG2's own agents that select the next speaker aside
        event_type = 'agent_call' and ingest.has_program(facts[2]) as has_code,
        event_type = 'agent_call' and coalesce(facts[3] = 'true' and facts[6] is null, false) as is_request,
        coalesce(facts[6] = 'true', false) as hands_over,
        coalesce(facts[4] = 'true', false) as is_made_up,
        coalesce(facts[5] = 'true', false) as is_claim,
        coalesce(facts[7] = 'true', false) as makes_up
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
    where run_id in (select unnest($run_ids::varchar[]))
        and event_id between $low::uuid and $high::uuid
        and executor <> agent_name
),

executions as (
    select
        asked_in,
        execution_order,
        completed_at,
        status,
        error_order,
        status = 'failed'
            and lead(agent_name) over (partition by run_id, chat order by execution_order) <> agent_name as is_taken_over,
        input_hash is not null
            and row_number() over (partition by run_id, input_hash order by execution_order) > 1 as is_repeat
    from events
    where event_type = 'code_exec'
),

failures_of_turns as (
    select
        run_id,
        parent_event_id,
        asked_in,
        execution_order,
        completed_at,
        agent_name,
        event_type,
        status,
        error_order,
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
        or (event_type = 'llm_call' and event_subtype <> 'single' and status = 'failed')
),

work as (
    select
        asked_in as turn_id,
        execution_order,
        completed_at,
        status,
        error_order,
        is_repeat,
        false as is_repeated_call,
        is_taken_over
    from executions
    where status in ('failed', 'pending')
        or is_repeat
    union all
    select
        coalesce(asked_in, parent_event_id) as turn_id,
        execution_order,
        completed_at,
        status,
        error_order,
        false as is_repeat,
        is_repeat and event_type = 'tool_call' as is_repeated_call,
        false as is_taken_over
    from failures_of_turns
),

work_of_turns as (
    select
        turn_id,
        count(*) filter (where status = 'failed') as failed,
        min(completed_at) filter (where status = 'failed') as failed_at,
        arg_min(error_order, execution_order) filter (where status = 'failed') as error_order,
        bool_or(is_repeat) as is_repeat,
        bool_or(is_repeated_call) as is_repeated_call,
        bool_or(is_taken_over) as is_taken_over,
        bool_or(status = 'pending') as is_pending
    from work
    group by turn_id
),

-- whose code was run
ran as (
    select distinct asked_in as turn_id
    from events
    where event_type = 'code_exec'
),

turns as (
    select
        events.run_id,
        events.id,
        events.agent_name,
        events.execution_order,
        events.is_opening,
        events.depth,
        events.chat,
        messages.timestamp as said_at,
        messages.message_order,
        events.has_code or events.is_request as is_act,
        events.is_request,
        coalesce(messages.sender is null and messages.role = 'user', false) as is_by_human,
        events.hands_over,
        events.is_made_up,
        events.is_claim,
        events.makes_up
    from events
    inner join messages
        on messages.run_id = events.run_id and messages.event_id = events.id
    where events.is_turn
        and messages.role is distinct from 'system'
),

-- how each chat that is no nested one was opened, which is no answer
openings as (
    select
        run_id,
        chat,
        min(message_order) as message_order,
        arg_min(is_made_up, message_order) as is_made_up  -- so it was asked for
    from turns
    where depth = 0
    group by
        run_id,
        chat
),

-- with models at work, what somebody says first who has asked none yet was handed in
callers as (
    select
        run_id,
        agent_name,
        min(started_at) as first_call_at
    from ingest.llm_calls
    where run_id in (select unnest($run_ids::varchar[]))
        and event_id between $low::uuid and $high::uuid
    group by
        run_id,
        agent_name
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
        turns.* exclude (is_opening, depth, said_at, is_act, is_made_up, makes_up, is_request, is_by_human),
        coalesce(turns.message_order = openings.message_order, false) as begins,
        turns.is_opening or begins as is_opening,
        coalesce(callers.first_call_at < turns.said_at, false) as is_of_model,
        -- code that a chat is opened with, and that nobody runs, is what is asked about
        turns.is_act and (not begins or turns.is_request or ran.turn_id is not null or is_of_model) as is_act,
        turns.is_made_up and openings.is_made_up is distinct from true as is_made_up,
        turns.makes_up and openings.is_made_up is distinct from true as makes_up,
        supervisors.agent_name is not null as is_supervisor,
        coalesce(work.failed, 0) as failed,
        work.failed_at,
        work.error_order,
        work.is_repeat,
        work.is_repeated_call,
        work.is_taken_over,
        work.is_pending
    from turns
    left join openings
        on openings.run_id = turns.run_id
        and openings.chat is not distinct from turns.chat
    left join ran
        on ran.turn_id = turns.id
    left join callers
        on callers.run_id = turns.run_id and callers.agent_name = turns.agent_name
    left join supervisors
        on supervisors.run_id = turns.run_id and supervisors.agent_name = turns.agent_name
    left join work_of_turns as work
        on work.turn_id = turns.id
    left join executors
        on executors.run_id = turns.run_id and executors.executor = turns.agent_name
    where not turns.is_by_human
        and (turns.is_act or executors.executor is null)
        and (
            not begins
            or turns.run_id not in (select run_id from callers)
            or is_of_model
        )
),

first_candidates as (
    select
        run_id,
        min(message_order) filter (where is_act) as act,
        min(message_order) filter (where is_act and is_made_up) as made_up_act,
        coalesce(
            min(message_order) filter (where not is_opening and not is_supervisor and not hands_over),
            min(message_order) filter (where not is_opening and not is_supervisor),
            min(message_order) filter (where not is_opening)
        ) as reply,
        -- of a tool that failed because of what it did, that comes first
        coalesce(
            arg_min(message_order, failed_at) filter (where failed > 0),
            min(message_order) filter (where failed > 0)
        ) as failure
    from candidates
    group by run_id
),

first_failures as (
    select
        run_id,
        chat,
        agent_name,
        min(message_order) as message_order
    from candidates
    where failed > 0
    group by
        run_id,
        chat,
        agent_name
),

-- each kind of evidence points at one message where it can
judged as (
    select
        candidates.*,
        coalesce(candidates.message_order = firsts.made_up_act, false) as is_first_on_made_up_data,
        coalesce(candidates.message_order = firsts.act, false) as is_first_act,
        coalesce(firsts.act is null and candidates.message_order = firsts.reply, false) as is_first_answer,
        is_claim and not is_act as is_claim_alone,
        makes_up and not is_act and not is_opening as is_made_up_alone,
        coalesce(candidates.message_order = firsts.failure, false) as is_first_failure,
        coalesce(candidates.message_order > first_failures.message_order, false) as has_failed_before
    from candidates
    inner join first_candidates as firsts
        on firsts.run_id = candidates.run_id
    left join first_failures
        on first_failures.run_id = candidates.run_id
        and first_failures.chat is not distinct from candidates.chat
        and first_failures.agent_name is not distinct from candidates.agent_name
),

-- an LLM call in one led to no message, and where no exception ended it only the call tells
open_turns as (
    select id
    from execution_events
    where run_id in (select unnest($run_ids::varchar[]))
        and id between $low::uuid and $high::uuid
        and event_subtype = 'unspoken'
        and status <> 'failed'
),

failures as (
    select
        *,
        event_type = 'llm_call'
            and (event_subtype = 'single' or parent_event_id in (select id from open_turns)) as is_silent_call,
        error_hash is not null
            and execution_order > min(execution_order) over (partition by run_id, error_hash) as is_told_before
    from events
    where status in ('failed', 'pending')
),

-- LLM calls that led to no message, the exceptions of those that ended a turn, and what the user's code raised or marked. Code
-- that failed is one failure with the error that tells of it, and so is an exception that leaves one step after the other.
told_failures as (
    select
        told.*,
        told.event_type = 'llm_call' or calls.id is not null as is_of_model,
        lag(told.execution_order) over run_order = told.execution_order - 1
            and lag(told.event_type) over run_order = 'llm_call'
            and told.event_subtype is distinct from 'action' as is_raised_by_model,
        if(
            told.event_type = 'llm_call'
                and lead(told.execution_order) over run_order = told.execution_order + 1
                and lead(told.event_subtype) over run_order is distinct from 'action',
            lead(told.error_order) over run_order,
            null
        ) as raised_order
    from failures as told
    left join events as calls
        on calls.id = told.echo_of and calls.event_type = 'llm_call' and calls.event_subtype <> 'single'
    where told.status = 'failed'
        and (is_of_model or not told.is_told_before)
        and (
            told.event_type = 'error'
            or told.event_subtype = 'action'
            or told.is_silent_call
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
        failed,
        error_order,
        is_pending as is_at_end,
        case
            when is_first_on_made_up_data or is_made_up_alone then 1
            when is_first_act or is_first_answer then 2
            when is_claim_alone then 3
            when failed > 0 or is_repeat then 4
        end as weight,
        -- in the order of the weights
        [
            if(is_first_on_made_up_data, 'first code or tool call on data that the message calls made up', null),
            if(is_made_up_alone, 'says that it made something up', null),
            if(is_first_act, 'first code or tool call of the run', null),
            if(is_first_answer, 'first answer in a run without code and tools', null),
            if(is_claim_alone, 'says that it checked, without code or tool', null),
            if(is_first_failure, 'first failure of the run', null),
            if(is_taken_over, 'failed, and somebody else wrote the next code', null),
            if(is_repeat, 'ran the same code again', null),
            if(is_repeated_call, 'made the same failing tool call again', null),
            if(
                failed > 0 and not is_first_failure,
                if(has_failed_before, 'failed again', 'failed after another failure'),
                null
            )
        ] as found
    from judged
    union all
    select
        told_failures.run_id,
        id,
        told_failures.execution_order,
        agent_name,
        null as message_order,
        1 as failed,
        coalesce(raised_order, error_order) as error_order,
        -- who asserts that the answer is right has found the mistake, and not made it
        told_failures.execution_order > coalesce(last_turns.execution_order, -1)
            and event_subtype is distinct from 'AssertionError' as is_at_end,
        4 as weight,
        [if(is_of_model, 'its LLM call failed', 'marked as failed, or raised')] as found
    from told_failures
    left join last_turns
        on last_turns.run_id = told_failures.run_id
    where is_raised_by_model is distinct from true
)

select
    run_id,
    id as event_id,
    execution_order,
    agent_name,
    message_order,
    weight,
    to_json(list_filter(found, lambda finding: finding is not null)) as signs,
    failed,
    error_order,
    is_at_end
from weighed
where weight is not null
    or is_at_end
order by
    left(run_id, 8),
    left(event_id::varchar, 13),  -- what all ids of a run begin with
    execution_order
