-- The executions of agents in $run_ids: turns, also those that ended in no message (`unspoken`), LLM calls that led to none,
-- and exceptions of agents of which no turn is known.
--
-- Code and tool calls count for the turn that asked for them: where that is not known, for the latest one that the agent had
-- in that chat. An agent that was not chosen has no execution, so no row is PENDING or SKIPPED. The time of code and tools is
-- in the execution of the agent that ran them, whose turn their result is.
insert into executions by name
with

-- only what an execution can depend on, and of that only what is small: no texts
events as materialized (
    select
        run_id,
        id,
        session_id,
        chat,
        parent_event_id,
        depth,
        event_type,
        event_subtype,
        execution_order,
        agent_name,
        status,
        timestamp,
        completed_at,
        duration_ms,
        event_type = 'agent_call' and not ingest.is_aside(event_subtype) as is_turn,
        is_turn and event_subtype <> 'unspoken' as is_spoken,
        event_type = 'error' and event_subtype is distinct from 'action' as is_exception,  -- not marked by the user
        is_exception and agent_name is not null as is_raised,
        is_turn or (event_type = 'llm_call' and event_subtype = 'single') or is_raised as is_start,
        case
            when is_exception or event_subtype = 'unspoken' then try_cast(meta->>'echo_of' as uuid)
        end as echo_of,
        ingest.execution_of(id, event_subtype, parent_event_id) as execution_id,  -- of an LLM call
        case when is_start then json_extract_string(meta, ['$.internal', '$.says_nothing', '$.is_open']) end as marks,
        marks[1] is not null as is_internal,
        -- the opening of a nested chat was given no message
        case when depth > 0 and is_turn then (inputs->>'sender') is null else false end as is_opening,
        case
            when status = 'failed' then json_extract_string(meta, ['$.error_type', '$.exit_code'])
        end as facts,
        case
            when event_type in ('code_exec', 'tool_call') then ingest.asked_in(meta)
        end as asked_in,
        -- why it failed, and whether that is, by its first line, that time ran out: as AG2's other executors and many
        -- libraries report it
        case
            when error_message is not null then {
                'execution_order': execution_order,
                'is_timeout': regexp_matches(
                    error_message,
                    '(?i)^(.*('
                    || 'timed[ _-]out\b'
                    || '|\berror code: (408|504|524)\b'
                    || '|\btime-?out (was |is |has )?(expired|exceeded|reached|occurred|elapsed|after|waiting|while)\b'
                    || '|\btime-?out( of)? [\d.]+ ?\w* exceeded\b'
                    || '|\b(exceeded|reached|hit) (the |its |a )?(\w+ )?time-?out\b'
                    || '|\b(deadline|time limit) (was |has been )?(exceeded|reached)\b'
                    || ')|(\w*error: *)?(\d+ )?((connection|connect|read|request|gateway) )?time-?out[.!]*\s*$)'
                )
            }
        end as reason
    from execution_events
    where run_id in (select unnest($run_ids::varchar[]))
        and id between $low::uuid and $high::uuid
        and (event_type in ('agent_call', 'llm_call') or status in ('failed', 'pending')) is true
),

calls as (
    select
        run_id,
        execution_id,
        any_value(chat) as chat,
        any_value(agent_name) as agent_name,
        max(execution_order) as execution_order,
        arg_max(id, place) as id,
        arg_max(status, place) = 'failed' as is_failed,
        arg_max(status, place) = 'pending' as is_pending,
        arg_max(reason, place) as reason,
        arg_max(facts[1], place) as error_type,
        arg_max(duration_ms, place) as duration_ms,
        round(fsum(duration_ms), 6) as total_ms,
        count(*) as number
    from (
        select
            *,
            -- the last one that made an answer counts: a guardrail only checks it
            execution_order - if(event_subtype = 'guardrail', 1::bigint << 40, 0) as place
        from events
        where event_type = 'llm_call'
    )
    group by
        run_id,
        execution_id
),

-- what AG2's cache answered cost nothing
spent as (
    select
        events.run_id,
        events.execution_id,
        sum(if(llm_calls.cached, 0, llm_calls.total_tokens)) as total_tokens,
        round(fsum(if(llm_calls.cached, 0, llm_calls.cost)), 10) as cost
    from events
    inner join ingest.llm_calls
        on llm_calls.run_id = events.run_id and llm_calls.event_id = events.id
    where events.event_type = 'llm_call'
    group by
        events.run_id,
        events.execution_id
),

-- What AG2 logs of a failed call says little. The exception that it raised tells of it, and so may others that it left
-- further on; or it is the next event there.
raised as (
    select
        calls.run_id,
        calls.execution_id,
        coalesce(min(told.execution_order), any_value(next.execution_order)) as execution_order
    from calls
    left join events as told
        on told.run_id = calls.run_id and told.echo_of = calls.id and told.id <> calls.execution_id
    left join events as next
        on next.run_id = calls.run_id
        and next.execution_order = calls.execution_order + 1
        and next.is_exception
        and next.echo_of is null
        and next.id <> calls.execution_id
        and next.chat is not distinct from calls.chat
        and coalesce(next.agent_name = calls.agent_name, true)
    where calls.is_failed
        and coalesce(told.id, next.id) is not null
    group by
        calls.run_id,
        calls.execution_id
),

-- the exceptions that ended a turn which has a row of its own
ended_turns as (
    select distinct
        told.run_id,
        told.execution_order
    from events as told
    inner join events as turns
        on turns.run_id = told.run_id
        and turns.chat is not distinct from told.chat
        and turns.agent_name = told.agent_name
        and turns.echo_of in (told.id, told.echo_of)
    where told.is_raised
        and turns.event_subtype = 'unspoken'
),

-- Each with the turn that it answers: the one before it in its chat. AG2's own agents, which select the next speaker,
-- answer each other, and nobody answers them. The opening of a nested chat has the turn or tool call that it was opened in.
-- The exception of an LLM call that led to no execution of its own is none beside that call.
starts as (
    select
        *,
        case
            when is_opening then parent_event_id
            when is_internal then last_value(case when is_spoken then id end ignore nulls) over before
            else last_value(case when is_spoken and not is_internal then id end ignore nulls) over before
        end as answered_id
    from (
        -- most tell of nothing else and open nothing: joined with the others, those of a long run would fill the memory
        select
            *,
            null::bigint as ended_by,
            null::boolean as opens_itself
        from events
        where is_start
            and echo_of is null
            and not is_opening
        union all by name
        select
            events.* replace (
                if(events.parent_event_id = echoed.id, null, events.parent_event_id) as parent_event_id,
                if(events.parent_event_id = echoed.id, 0, events.depth) as depth
            ),
            case when events.event_subtype = 'unspoken' then echoed.execution_order end as ended_by,
            opener.agent_name = events.agent_name as opens_itself
        from events
        left join events as echoed
            on echoed.run_id = events.run_id and echoed.id = events.echo_of
        left join events as opener
            on events.is_opening
            and opener.run_id = events.run_id
            and opener.id = events.parent_event_id
        where events.is_start
            and (events.echo_of is not null or events.is_opening)
            and (echoed.event_type is distinct from 'llm_call' or echoed.execution_id = events.id)
    )
    anti join raised using (run_id, execution_order)
    anti join ended_turns using (run_id, execution_order)
    window before as (
        partition by run_id, chat, parent_event_id
        order by execution_order
        rows between unbounded preceding and 1 preceding
    )
),

turns as (
    select
        run_id,
        chat,
        agent_name,
        execution_order,
        id
    from events
    where is_turn
),

-- code and tools that did not end well
work as (
    select
        events.run_id,
        coalesce(events.asked_in, turns.id) as execution_id,
        bool_or(events.status = 'pending') as is_pending,
        max(events.execution_order) filter (where events.status = 'failed') as failure_order
    from events
    asof left join turns
        on turns.run_id = events.run_id
        and turns.chat is not distinct from events.chat
        and turns.agent_name is not distinct from events.agent_name
        and turns.execution_order <= events.execution_order
    where events.event_type in ('code_exec', 'tool_call')
        and events.event_subtype <> 'action'  -- marked by the user, asked for by no agent
        and events.status in ('failed', 'pending')
    group by all
),

failures as (
    select
        run_id,
        id,
        execution_order,
        reason,
        facts
    from events
    where status = 'failed'
        and event_type in ('code_exec', 'tool_call', 'error')
),

joined as (
    select
        starts.* exclude (reason),
        calls.id as call_id,
        calls.total_ms as llm_ms,
        coalesce(calls.number, 0) as llm_calls,
        -- of a turn that ended in an exception nobody knows when it began
        coalesce(if(starts.is_raised, null, starts.duration_ms), calls.duration_ms) as total_ms,
        coalesce(calls.is_failed, false) as is_without_answer,
        work.is_pending,
        starts.event_subtype = 'unspoken' and starts.status = 'pending' as is_open,
        coalesce(calls.is_pending, false) as is_asking,
        starts.marks[3] is not null and runs.status in ('running', 'interrupted') as is_unsaid,
        failures.execution_order as failure_order,
        failures.facts as failure_facts,
        case
            when is_without_answer or (starts.event_type = 'llm_call' and starts.status = 'failed') then 'LLM_CALL'
            when work.failure_order is not null then 'POST_PROCESS'
            when starts.status = 'failed' then 'COMPLETE'
        end as failed_stage,
        case
            when is_without_answer then coalesce(failures.reason, starts.reason, calls.reason)
            else coalesce(starts.reason, calls.reason, failures.reason)
        end as reason,
        -- of one that did not fail there is none
        case
            when failed_stage is null then null
            when is_without_answer then coalesce(failures.facts[1], starts.facts[1], calls.error_type)
            else coalesce(starts.facts[1], failures.facts[1])
        end as raised_type,
        spent.total_tokens,
        spent.cost,
        runs.status as run_status,
        runs.started_at as run_began,
        case
            when starts.is_spoken then starts.marks[2] is null and starts.opens_itself is not true
            -- where no words were recorded, that its model answered is all that tells
            else starts.event_type = 'llm_call' and runs.messages = 0
        end as is_reply
    from starts
    inner join runs
        on runs.run_id = starts.run_id
    left join calls
        on calls.run_id = starts.run_id and calls.execution_id = starts.id
    left join raised
        on raised.run_id = starts.run_id and raised.execution_id = starts.id
    left join work
        on work.run_id = starts.run_id and work.execution_id = starts.id
    left join failures
        on failures.run_id = starts.run_id
        and failures.execution_order = case
            when starts.is_raised then starts.execution_order
            when starts.ended_by is not null then starts.ended_by
            when calls.is_failed then raised.execution_order
            else work.failure_order
        end
    left join spent
        on spent.run_id = starts.run_id and spent.execution_id = starts.id
)

select
    run_id,
    id,
    session_id,
    agent_name,
    execution_order,
    depth,
    is_spoken as is_turn,
    is_reply,
    case
        -- exit code 124: AG2's command line and Docker executors end code that takes too long with it, and so does
        -- `timeout`; TimeoutError, ReadTimeout, TimeoutExpired, APITimeoutError
        when failed_stage is not null and (failure_facts[2] = '124' or contains(lower(raised_type), 'timeout'))
            then 'TIMEOUT'
        -- errors of programming (KeyError: 'timeout') never are
        when failed_stage is not null
            and regexp_matches(
                raised_type,
                '(^|[.])(Assertion|Attribute|Import|Index|Key|ModuleNotFound|Name|Syntax|Type|UnboundLocal|ZeroDivision)Error$'
            )
            then 'FAILED'
        when failed_stage is not null and reason.is_timeout
            then 'TIMEOUT'
        when failed_stage is not null then 'FAILED'
        when (is_pending or is_open) and run_status = 'running' then 'RUNNING'
        when is_open or is_unsaid or is_asking then 'LLM_RESPONSE'
        when is_pending and run_status = 'interrupted' then 'LLM_RESPONSE'
        else 'SUCCESS'
    end as status,
    case
        when failed_stage is not null then failed_stage
        when is_asking then 'LLM_CALL'
        when is_open or (is_pending and run_status in ('running', 'interrupted')) then 'POST_PROCESS'
        when is_unsaid then 'LLM_PARSE'
        else 'COMPLETE'
    end as current_stage,
    failed_stage,
    raised_type as error_type,
    reason.execution_order as error_order,
    failure_order,
    answered_id,
    call_id,
    llm_calls,
    llm_ms,
    total_tokens::bigint as total_tokens,
    cost,
    timestamp as started_at,
    coalesce(completed_at, timestamp) as completed_at,
    total_ms as duration_ms,
    coalesce(timestamp, run_began) as created_at
from joined
order by
    left(run_id, 8),
    left(id::varchar, 13),  -- what all ids of a run begin with
    execution_order
