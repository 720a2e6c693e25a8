-- LLM calls with their requests put together; then views in the shapes of the systems that these tables replace, with
-- exactly their columns: the first is an action log, the other four track the executions of agents.
--
-- `(x in (...)) is true`, here and in the queries, says no more than `x in (...)`. But DuckDB 2 looks at a bare list only
-- after it has read all columns of all rows, JSON and long texts too; this reads them for the rows in question alone.


-- Whether a row is of a run, told by its run_id and by a UUID that is made from the run, as the ids of events and of files
-- are. These begin alike in all rows of a run, and lie in their order: so most other rows are passed over unread.
create or replace macro ingest.of_run(run_id, id, asked) as
    run_id = asked
    and id >= rpad(left(md5(asked), 12), 32, '0')::uuid
    and id <= rpad(left(md5(asked), 12), 32, 'f')::uuid;


-- The whole request of each call of a language model. DuckDB 2 leaves a join with this out under an aggregate that uses no
-- column of it, because run_id and event_id are unique; other queries without requests read ingest.llm_calls itself.
create view ingest.requests as
select
    calls.run_id,
    calls.event_id,
    case
        when any_value(calls.call_number) is null then any_value(calls.request)
        else concat(  -- as text: json_merge_patch would drop every null
            '{"messages":[',
            string_agg(messages.message::varchar, ',' order by messages.position),
            case when any_value(calls.request)::varchar = '{}' then ']' else '],' end,
            substr(any_value(calls.request)::varchar, 2)
        )::json
    end as request
from ingest.llm_calls as calls
left join main.llm_messages as messages
    on messages.run_id = calls.run_id
    and messages.chain = calls.chain
    and calls.call_number between messages.first_call and messages.last_call
group by
    calls.run_id,
    calls.event_id;


-- One row per call of a language model.
create view llm_calls as
select
    calls.run_id,
    calls.event_id,
    calls.agent_name,
    calls.model,
    requests.request,
    calls.response,
    calls.prompt_tokens,
    calls.completion_tokens,
    calls.total_tokens,
    calls.cost,
    calls.cached,
    calls.started_at,
    calls.ended_at,
    calls.duration_ms,
    calls.status,
    calls.error_message,
    calls.response_valid,
    calls.response_quality_score,
    calls.response_validation_errors,
    calls.response_warnings,
    calls.response_metrics
from ingest.llm_calls as calls
left join ingest.requests
    on requests.run_id = calls.run_id and requests.event_id = calls.event_id;


-- One name for the language of a code block, of the several that agents write on it.
create or replace macro ingest.language(label) as
    case
        when lower(label) in ('python', 'py', 'python3', 'ipython', 'jupyter') then 'python'
        when lower(label) in ('sh', 'bash', 'shell', 'zsh', 'console', 'terminal') then 'sh'
        else label
    end;


-- Of the arguments of two calls of a tool, the share that both have with the same value; NULL where one has no names.
create or replace macro ingest.common_share(arguments, others) as
    round(
        coalesce(
            len(
                list_intersect(
                    map_entries(try(from_json(arguments, '"MAP(VARCHAR, JSON)"'))),
                    map_entries(try(from_json(others, '"MAP(VARCHAR, JSON)"')))
                )
            ) / nullif(greatest(len(json_keys(arguments)), len(json_keys(others))), 0),
            if(arguments = others, 1, null)
        ),
        2
    );


-- The different values of a list in order, NULL last, as array_agg(distinct ... order by ...) has them. That makes DuckDB 2
-- aggregate all rows several times and join what came of it.
create or replace macro ingest.distinct_values(list) as
    list_sort(list_distinct(list)) || if(list_count(list) < len(list), [null], []);


-- The JSON pointer to a key of an object.
create or replace macro ingest.key(name) as '/' || replace(replace(name, '~', '~0'), '/', '~1');


-- What each run is called by a tag, by which runs are told apart: its value, or the run's task, mode, model (that most of
-- its calls used) or ag2_version; by its id where the tag is NULL. NULL where the run has no such tag.
create or replace macro ingest.named_runs(tag) as table
select
    runs.run_id,
    runs.started_at,
    case
        when tag is null then runs.run_id
        -- as a JSON pointer, in which a name can't be anything else
        when (runs.tags->>ingest.key(tag)) is not null then runs.tags->>ingest.key(tag)
        when tag = 'task' then runs.task
        when tag = 'mode' then runs.mode
        when tag = 'model' then models_of_runs.model
        when tag = 'ag2_version' then runs.ag2_version
    end as name
from runs
left join (
    select
        run_id,
        mode(model) as model
    from ingest.llm_calls  -- what llm_calls is made of, because no request is asked for here
    where tag = 'model'
    group by run_id
) as models_of_runs
    on models_of_runs.run_id = runs.run_id;


-- One row per action: what the user marked, every tool call, every execution of code, every choice of a next speaker,
-- every error. A tool call that failed stays a tool_call and has its error_message in the details, as an action that
-- was timed has; code that ran is a success, code that failed is an error named after what was raised. A failure is one
-- error: code that failed, or an exception, gives way to the error by which the user or AG2 tells of it.
create view ingest.actions as
with

events as (
    select
        *,
        coalesce(meta->>'action' = 'true', false) as is_marked
    from execution_events
    where (event_type in ('tool_call', 'code_exec', 'handoff', 'decision', 'error', 'success')) is true
        and (
            event_type not in ('code_exec', 'error')
            or status is distinct from 'failed'
            or (meta->>'echoed_by') is null
        )
)

select
    id,
    run_id,
    execution_order,
    agent_name,
    case
        when event_type = 'handoff' then 'decision'
        when event_type = 'code_exec' and status = 'failed' then 'error'
        when event_type = 'code_exec' then 'success'
        else event_type
    end as action_type,
    case
        when is_marked then coalesce(meta->>'action_name', event_type)
        when event_type = 'tool_call' then coalesce(meta->>'tool_name', inputs->>'tool')
        when event_type = 'handoff' then 'select_agent'
        when event_type = 'code_exec' and status <> 'failed' then 'code_exec'
        when event_type = 'code_exec' then coalesce(meta->>'error_type', 'code_exec')
        else coalesce(meta->>'error_type', event_subtype, event_type)
    end as action_name,
    case
        -- put together as text: json_merge_patch would drop every null inside a result
        when is_marked then (
            '{'
            || concat_ws(
                ',',
                '"error_message":' || to_json(error_message)::varchar,
                '"result":' || nullif((outputs->'result')::varchar, 'null'),
                nullif(substr(inputs::varchar, 2, length(inputs::varchar) - 2), '')
            )
            || '}'
        )::json
        when event_type = 'tool_call' then json_object(
            'tool_parameters', inputs->'args',
            'tool_result', outputs->'result',
            'status', status,
            'error_message', error_message
        )
        when event_type = 'handoff' then json_object(
            'from_agent', inputs->'from_agent',
            'to_agent', inputs->'to_agent',
            'selection', meta->'selection',
            'reason', meta->'reason'
        )
        when event_type = 'code_exec' then json_object(
            'language', inputs->'language',
            'code', inputs->'code',
            'exit_code', outputs->'exit_code',
            'result', outputs->'result',
            'error_message', error_message
        )
        else json_object(
            'inputs', inputs,
            'outputs', outputs,
            'error_message', error_message
        )
    end as action_details,
    duration_ms,
    "timestamp" as created_at
from events;


-- The same with what is known of their runs.
create view agent_actions as
select
    actions.id,
    actions.run_id as correlation_id,
    actions.agent_name,
    actions.action_type,
    actions.action_name,
    actions.action_details,
    actions.duration_ms,
    coalesce(runs.meta->>'project_path', runs.cwd) as project_path,
    runs.meta->>'project' as project_name,
    runs.cwd as working_directory,
    coalesce((runs.meta->>'debug') <> 'false', true) as debug_mode,
    actions.created_at
from ingest.actions
left join runs
    on runs.run_id = actions.run_id;


-- Turns in the order in which their words were said: a nested chat comes before the words of the turn that it was held in.
-- Without AG2's own agents, that are asked who speaks next.
create view ingest.turns as
select
    run_id,
    chat,
    event_id,
    sender as agent_name,
    message_order as place,
    "timestamp" as said_at
from messages
where sender is null
    or sender not in ('checking_agent', 'speaker_selection_agent');

-- Turns, and LLM calls that led to none, each with the turn that it answers: the one before it in its chat, where AG2's
-- own agents, which select the next speaker, answer each other and nobody answers them. The opening of a nested chat has
-- the turn or tool call that the chat was opened in, and was given no message.
create view ingest.starts as
with

events as (
    select
        *,
        event_type = 'agent_call' as is_turn,
        (meta->>'internal') is not null as is_internal,
        -- of the few turns of nested chats, so that not all that was said is read
        case when depth > 0 and event_type = 'agent_call' then (inputs->>'sender') is null else false end as is_opening
    from execution_events
    where (event_type in ('agent_call', 'llm_call')) is true
        and (event_type = 'agent_call' or parent_event_id is null)
)

select
    * exclude (is_turn, is_internal, is_opening),
    case
        when is_opening then parent_event_id
        when is_internal then last_value(case when is_turn then id end ignore nulls) over before
        else last_value(case when is_turn and not is_internal then id end ignore nulls) over before
    end as answered_id,
    case
        when is_opening then null
        when is_internal then last_value(case when is_turn then agent_name end ignore nulls) over before
        else last_value(case when is_turn and not is_internal then agent_name end ignore nulls) over before
    end as answered_agent,
    case
        when is_opening then null
        when is_internal then last_value(case when is_turn then outputs end ignore nulls) over before
        else last_value(case when is_turn and not is_internal then outputs end ignore nulls) over before
    end as answered
from events
window before as (
    partition by run_id, chat, parent_event_id
    order by execution_order
    rows between unbounded preceding and 1 preceding
);


-- One row per execution of an agent: a turn with its last LLM call, and each LLM call that led to no turn; with the stage
-- that failed and the place of the event that tells why.
create view ingest.executions as
with

last_model_calls as (
    select
        run_id,
        coalesce(parent_event_id, id) as execution_id,
        arg_max(id, execution_order) as call_id,
        max(execution_order) as call_order,
        arg_max(status, execution_order) as status,
        arg_max(error_message, execution_order) as error_message,
        arg_max(duration_ms, execution_order) as duration_ms
    from execution_events
    where event_type = 'llm_call'
    group by
        run_id,
        coalesce(parent_event_id, id)
),

-- code and tools that did not end well, among the turns; each belongs to the latest turn of the agent that asked for it
work as (
    select
        run_id,
        event_type,
        execution_order,
        status,
        last_value(case when event_type = 'agent_call' then id end ignore nulls) over (
            partition by run_id, agent_name
            order by execution_order
            rows between unbounded preceding and current row
        ) as turn_id
    from execution_events
    where event_type = 'agent_call'
        or (
            event_type in ('code_exec', 'tool_call')
            and event_subtype <> 'action'
            and status in ('failed', 'pending')
        )
),

work_of_turns as (
    select
        run_id,
        turn_id,
        count(*) filter (where status = 'pending') as pending,
        max(execution_order) filter (where status = 'failed') as failure_order
    from work
    where event_type <> 'agent_call'
    group by run_id, turn_id
)

select
    starts.id,
    starts.session_id,
    starts.run_id,
    starts.answered_id,
    starts.answered,
    starts.agent_name,
    starts.outputs,
    starts.meta,
    starts.depth,
    starts.execution_order,
    starts.timestamp,
    starts.completed_at,
    coalesce(starts.duration_ms, calls.duration_ms) as duration_ms,
    calls.call_id,
    work_of_turns.pending > 0 as is_pending,
    starts.event_type = 'llm_call' as is_without_turn,
    coalesce(calls.status = 'failed', false) as is_without_answer,
    case
        when is_without_answer then 'LLM_CALL'
        when starts.event_type = 'llm_call' and starts.status = 'failed' then 'LLM_CALL'
        when work_of_turns.failure_order is not null then 'POST_PROCESS'
        when starts.status = 'failed' then 'COMPLETE'
    end as failed_stage,
    -- what AG2 logs of a failed call says little; the exception that it raised is the run's next event
    case when is_without_answer then calls.call_order + 1 else work_of_turns.failure_order end as failure_order,
    coalesce(starts.error_message, calls.error_message) as error_message
from ingest.starts
left join last_model_calls as calls
    on calls.run_id = starts.run_id and calls.execution_id = starts.id
left join work_of_turns
    on work_of_turns.run_id = starts.run_id and work_of_turns.turn_id = starts.id;


-- How an execution failed, FAILED or TIMEOUT; NULL where it did not. What is a timeout: exit code 124 (AG2's command line and
-- Docker executors end code that takes too long with it, and so does `timeout`); an error type with `timeout` in its name
-- (TimeoutError, ReadTimeout, TimeoutExpired, APITimeoutError); or, in the first line of the message, the statement that
-- time ran out (`timed out`, `timeout expired`, `Timeout` alone), as AG2's other executors and many libraries report it.
-- Errors of programming (KeyError: 'timeout') never are, and the mere word is no statement.
create or replace macro ingest.failure(failed_stage, exit_code, error_type, reason) as
    case
        when failed_stage is null then null
        when exit_code = '124' or contains(lower(error_type), 'timeout') then 'TIMEOUT'
        when regexp_matches(
            error_type,
            '(^|[.])(Assertion|Attribute|Import|Index|Key|ModuleNotFound|Name|Syntax|Type|UnboundLocal|ZeroDivision)Error$'
        ) then 'FAILED'
        when regexp_matches(
            reason,
            '(?i)^(.*('
            || 'timed[ _-]out\b'
            || '|\btime-?out (was |is |has )?(expired|exceeded|reached|occurred|elapsed|after|waiting|while)\b'
            || '|\btime-?out( of)? [\d.]+ ?\w* exceeded\b'
            || '|\b(exceeded|reached|hit) (the |its |a )?(\w+ )?time-?out\b'
            || '|\b(deadline|time limit) (was |has been )?(exceeded|reached)\b'
            || ')|(\w*error: *)?(\d+ )?((connection|connect|read|request|gateway) )?time-?out[.!]*\s*$)'
        ) then 'TIMEOUT'
        else 'FAILED'
    end;


-- The same executions: which failed, FAILED or TIMEOUT, and why.
create view ingest.outcomes as
with

failures as (
    select
        run_id,
        execution_order,
        event_type = 'error' as is_exception,
        error_message,
        meta->>'error_type' as error_type,
        meta->>'traceback' as traceback,
        meta->>'exit_code' as exit_code,
        outputs
    from execution_events
    where status = 'failed'
        and (event_type in ('code_exec', 'tool_call', 'error')) is true
),

explained as (
    select
        executions.*,
        case
            when is_without_answer then coalesce(failures.error_message, executions.error_message)
            else coalesce(executions.error_message, failures.error_message)
        end as reason,
        case
            when failed_stage is null then null  -- most: their JSON is not parsed
            when is_without_answer then coalesce(failures.error_type, executions.meta->>'error_type')
            else coalesce(executions.meta->>'error_type', failures.error_type)
        end as error_type,
        failures.traceback,
        failures.exit_code,
        failures.outputs as failed_outputs
    from ingest.executions
    left join failures
        on failures.run_id = executions.run_id
        and failures.execution_order = executions.failure_order
        and (failures.is_exception or not executions.is_without_answer)
)

select
    * exclude (reason, error_message, traceback, exit_code, failed_outputs),
    ingest.failure(failed_stage, exit_code, error_type, reason) as failure,
    reason as error_message,
    case
        when traceback is not null then traceback
        when contains(failed_outputs->>'result', 'Traceback (most recent call last)') then failed_outputs->>'result'
    end as error_traceback
from explained;


-- The executions of agents, with how they ended and why they failed.
-- Statuses: SUCCESS, FAILED, TIMEOUT, RUNNING (the run goes on and a tool has not answered yet), LLM_RESPONSE (the run
-- was cut off after the model's answer). Code and tool calls count for the turn of the agent that asked for them. An
-- agent that was not chosen has no execution, so no row is PENDING or SKIPPED. The time of code and tools is in the
-- execution of the agent that ran them, whose turn their result is.
create view ingest.explained_executions as
select
    outcomes.id,
    outcomes.session_id,
    outcomes.run_id,
    outcomes.answered_id,
    outcomes.answered,
    outcomes.agent_name,
    case
        when outcomes.failure is not null then outcomes.failure
        when outcomes.is_pending and runs.status = 'running' then 'RUNNING'
        when outcomes.is_without_turn and runs.status in ('running', 'interrupted') then 'LLM_RESPONSE'
        else 'SUCCESS'
    end as status,
    case
        when outcomes.failed_stage is not null then outcomes.failed_stage
        when outcomes.is_pending and runs.status = 'running' then 'POST_PROCESS'
        when outcomes.is_without_turn and runs.status in ('running', 'interrupted') then 'LLM_PARSE'
        else 'COMPLETE'
    end as current_stage,
    outcomes.failed_stage,
    outcomes.outputs,
    outcomes.error_type,
    outcomes.error_message,
    outcomes.error_traceback,
    outcomes.call_id,
    outcomes.depth,
    outcomes.execution_order,
    outcomes.timestamp as started_at,
    coalesce(outcomes.completed_at, outcomes.timestamp) as completed_at,
    outcomes.duration_ms,
    coalesce(outcomes.timestamp, runs.started_at) as created_at
from ingest.outcomes
left join runs
    on runs.run_id = outcomes.run_id;


-- The same executions of one run, or of all where NULL, with the same answers, for the queries of this package. A view is
-- filtered by whatever it is asked for, but it reads the events five times; of a million events, each time costs one run 2 to
-- 4 ms. This reads them once, and gathers LLM calls only where the turn does not tell all.
create or replace macro ingest.executions_of(one_run) as table
with

events as materialized (
    select
        run_id,
        id,
        session_id,
        parent_event_id,
        depth,
        event_type,
        execution_order,
        agent_name,
        status,
        timestamp,
        completed_at,
        duration_ms,
        error_message,
        event_subtype,
        -- of what failed alone: of most, no JSON is parsed
        case
            when status = 'failed' then json_extract_string(meta, ['$.error_type', '$.traceback', '$.exit_code'])
        end as facts,
        -- of all runs, who needs it looks it up later
        case
            when one_run is not null and status = 'failed' then outputs->>'result'
        end as output
    from execution_events
    where (one_run is null or run_id = one_run)
        and (event_type in ('agent_call', 'llm_call') or status in ('failed', 'pending')) is true
),

-- of most executions the turn tells all: their calls need not be gathered
unclear as (
    select coalesce(parent_event_id, id) as id
    from events
    where event_type = 'llm_call'
        and status = 'failed'
    union all
    select id
    from events
    where event_type = 'agent_call'
        and duration_ms is null
),

last_calls as (
    select
        coalesce(calls.parent_event_id, calls.id) as execution_id,
        any_value(calls.run_id) as run_id,
        max(calls.execution_order) as execution_order,
        arg_max(calls.status, calls.execution_order) = 'failed' as is_failed,
        arg_max(calls.error_message, calls.execution_order) as error_message,
        arg_max(calls.duration_ms, calls.execution_order) as duration_ms
    from events as calls
    semi join unclear
        on unclear.id = coalesce(calls.parent_event_id, calls.id)
    where calls.event_type = 'llm_call'
    group by coalesce(calls.parent_event_id, calls.id)
),

-- what AG2 logs of a failed call says little; the exception that it raised is the run's next event
explained_calls as (
    select
        calls.execution_id,
        calls.is_failed,
        calls.error_message,
        calls.duration_ms,
        exceptions.id as failure_id
    from last_calls as calls
    left join events as exceptions
        on exceptions.run_id = calls.run_id
        and exceptions.execution_order = calls.execution_order + 1
        and exceptions.event_type = 'error'
        and exceptions.status = 'failed'
        and calls.is_failed
),

turns as (
    select
        run_id,
        agent_name,
        execution_order,
        id
    from events
    where event_type = 'agent_call'
),

-- code and tools that did not end well; each belongs to the latest turn of the agent that asked for it
work as (
    select
        turns.id as turn_id,
        bool_or(events.status = 'pending') as is_pending,
        arg_max(events.id, events.execution_order) filter (where events.status = 'failed') as failure_id
    from events
    asof join turns
        on turns.run_id = events.run_id
        and turns.agent_name is not distinct from events.agent_name
        and turns.execution_order <= events.execution_order
    where events.event_type in ('code_exec', 'tool_call')
        and events.event_subtype <> 'action'
        and events.status in ('failed', 'pending')
    group by turns.id
),

failures as (
    select
        id,
        error_message,
        facts,
        output
    from events
    where status = 'failed'
        and event_type in ('code_exec', 'tool_call', 'error')
),

executions as (
    select
        events.*,
        coalesce(events.timestamp, runs.started_at) as began_at,
        coalesce(events.duration_ms, calls.duration_ms) as total_ms,
        runs.status as run_status,
        work.is_pending,
        calls.is_failed as is_without_answer,
        calls.error_message as call_message,
        failures.id as failure_id,
        failures.error_message as failure_message,
        failures.facts as failure_facts,
        failures.output as failed_output,
        case
            when calls.is_failed then 'LLM_CALL'
            when events.event_type = 'llm_call' and events.status = 'failed' then 'LLM_CALL'
            when work.failure_id is not null then 'POST_PROCESS'
            when events.status = 'failed' then 'COMPLETE'
        end as failed_stage
    from events
    left join explained_calls as calls
        on calls.execution_id = events.id
    left join work
        on work.turn_id = events.id
    left join failures
        on failures.id = case when calls.is_failed then calls.failure_id else work.failure_id end
    left join runs
        on runs.run_id = events.run_id and (one_run is null or runs.run_id = one_run)
    where events.event_type = 'agent_call'
        or (events.event_type = 'llm_call' and events.parent_event_id is null)
),

explained_executions as (
    select
        *,
        case
            when is_without_answer then coalesce(failure_message, error_message, call_message)
            else coalesce(error_message, call_message, failure_message)
        end as reason,
        case
            when failed_stage is null then null
            when is_without_answer then coalesce(failure_facts[1], facts[1])
            else coalesce(facts[1], failure_facts[1])
        end as error_type
    from executions
)

select
    id,
    run_id,
    session_id,
    agent_name,
    case
        when failed_stage is null and is_pending and run_status = 'running' then 'RUNNING'
        when failed_stage is null and event_type = 'llm_call' and run_status in ('running', 'interrupted') then 'LLM_RESPONSE'
        when failed_stage is null then 'SUCCESS'
        else ingest.failure(failed_stage, failure_facts[3], error_type, reason)
    end as status,
    case
        when failed_stage is not null then failed_stage
        when is_pending and run_status = 'running' then 'POST_PROCESS'
        when event_type = 'llm_call' and run_status in ('running', 'interrupted') then 'LLM_PARSE'
        else 'COMPLETE'
    end as current_stage,
    failed_stage,
    error_type,
    reason as error_message,
    failure_facts[2] as error_traceback,
    failure_id,
    failed_output,
    depth,
    execution_order,
    timestamp as started_at,
    coalesce(completed_at, timestamp) as completed_at,
    total_ms as duration_ms,
    began_at as created_at
from explained_executions;


-- The executions of agents, with what the last LLM call of each asked, answered and cost; a call that AG2's cache answered
-- cost nothing. What went in is what the turn that it answers said, what came out is its own words.
create view agent_executions as
select
    executions.id,
    executions.session_id as vault_id,
    executions.run_id as conversation_id,
    executions.answered_id as parent_execution_id,
    executions.agent_name,
    executions.status,
    executions.current_stage,
    executions.answered as input_data,
    executions.outputs as output_data,
    executions.error_type,
    executions.error_message,
    executions.error_traceback,
    calls.model as llm_model,
    requests.request as llm_request,
    case when calls.status = 'completed' then calls.response->'$.choices[0].message' end as llm_response,
    calls.duration_ms as llm_latency_ms,
    if(calls.cached, 0, calls.prompt_tokens) as prompt_tokens,
    if(calls.cached, 0, calls.completion_tokens) as completion_tokens,
    if(calls.cached, 0, calls.total_tokens) as total_tokens,
    if(calls.cached, 0, calls.cost) as cost,
    calls.response_valid,
    calls.response_quality_score,
    calls.response_validation_errors,
    calls.response_warnings,
    calls.response_metrics,
    executions.depth as call_depth,
    executions.execution_order as call_sequence,
    executions.started_at,
    executions.completed_at,
    executions.duration_ms,
    executions.created_at
from ingest.explained_executions as executions
left join ingest.llm_calls as calls
    on calls.run_id = executions.run_id and calls.event_id = executions.call_id
left join ingest.requests
    on requests.run_id = calls.run_id and requests.event_id = calls.event_id;


-- One row per stage of an execution: INIT (the message that it answers), SHOULD_RESPOND (how the agent was chosen),
-- LLM_CALL, POST_PROCESS (code, tools and files that the agent asked for), COMPLETE (what it said). They are numbered as
-- they happened: what another agent ran comes after the words that asked for it. created_at is when the stage began, of
-- COMPLETE when the words were said.
create view agent_execution_logs as
with

events as (
    select
        *,
        last_value(case when event_type = 'agent_call' then id end ignore nulls) over (
            partition by run_id, agent_name
            order by execution_order
            rows between unbounded preceding and current row
        ) as turn_id,
        last_value(case when event_type = 'agent_call' then id end ignore nulls) over (
            partition by run_id
            order by execution_order desc
            rows between unbounded preceding and 1 preceding
        ) as next_turn_id,
        last_value(case when event_type = 'agent_call' then timestamp end ignore nulls) over (
            partition by run_id
            order by execution_order desc
            rows between unbounded preceding and 1 preceding
        ) as next_turn_began
    from execution_events
),

stages as (
    select
        *,
        id as execution_id,
        0 as stage_order,
        'INIT' as stage,
        concat('message from ', coalesce(inputs->>'sender', 'outside')) as message,
        json_object('sender', inputs->'sender', 'role', inputs->'role') as data
    from events
    where event_type = 'agent_call'
    union all
    select
        *,
        next_turn_id as execution_id,
        1 as stage_order,
        'SHOULD_RESPOND' as stage,
        concat(
            'chosen after ', inputs->>'from_agent', ': ', coalesce(meta->>'selection', meta->>'reason', 'unknown how')
        ) as message,
        meta as data
    from events
    where event_type = 'handoff'
        and next_turn_id is not null
    union all
    select
        *,
        coalesce(parent_event_id, id) as execution_id,
        2 as stage_order,
        'LLM_CALL' as stage,
        concat_ws(' ', meta->>'model', status) as message,
        meta as data
    from events
    where event_type = 'llm_call'
    union all
    select
        *,
        turn_id as execution_id,
        3 as stage_order,
        'POST_PROCESS' as stage,
        concat_ws(
            ' ',
            event_type,
            coalesce(meta->>'tool_name', meta->>'file_path', meta->>'language'),
            status
        ) as message,
        meta as data
    from events
    where event_type in ('code_exec', 'tool_call', 'file_gen')
        and event_subtype <> 'action'
        and turn_id is not null
    union all
    select
        *,
        id as execution_id,
        4 as stage_order,
        'COMPLETE' as stage,
        case
            when length(outputs->>'full_content') > 0
                then concat('said ', length(outputs->>'full_content'), ' characters')
            when len(outputs->>'$.tool_calls[*].function.name') > 0
                then 'called ' || array_to_string(outputs->>'$.tool_calls[*].function.name', ', ')
            else 'said nothing'
        end as message,
        meta as data
    from events
    where event_type = 'agent_call'
),

timed_stages as (
    select
        *,
        case stage
            when 'COMPLETE' then coalesce(completed_at, timestamp)
            when 'SHOULD_RESPOND' then next_turn_began  -- that who is spoken to replies is recorded with the reply
            else timestamp
        end as began_at
    from stages
)

select
    concat(id, ':', stage) as id,
    execution_id,
    run_id as conversation_id,
    agent_name,
    stage,
    case when status = 'failed' then 'error' else 'info' end as level,
    message,
    data,
    error_message,
    case when stage in ('LLM_CALL', 'POST_PROCESS') then duration_ms end as duration_ms,
    row_number() over (
        partition by run_id, execution_id
        order by began_at, stage_order, execution_order
    ) - 1 as log_sequence,
    began_at as created_at
from timed_stages;


-- One row per call: an agent that is spoken to (depth 0 in a plain chat), and inside its turn the model, the tools and
-- the code that it calls. The parent of a turn is the turn that it answers, and what was passed is what that one said;
-- the parent of a call is the turn that it happened in (of a tool that another agent runs, the turn with its result).
create view agent_call_chains as
with

events as (
    select *
    from execution_events
    where (event_type in ('agent_call', 'llm_call', 'tool_call', 'code_exec')) is true
),

turns as (
    select
        run_id,
        id,
        answered_id,
        answered_agent,
        answered
    from ingest.starts
    where event_type = 'agent_call'
)

select
    events.id,
    events.run_id as conversation_id,
    if(events.event_type = 'agent_call', turns.answered_id, events.parent_event_id) as parent_execution_id,
    events.id as child_execution_id,
    case
        when events.event_type = 'agent_call' then coalesce(turns.answered_agent, openers.agent_name)
        else events.agent_name
    end as parent_agent,
    case events.event_type
        when 'agent_call' then events.agent_name
        when 'llm_call' then events.meta->>'model'
        when 'tool_call' then events.meta->>'tool_name'
        else coalesce(events.meta->>'executor', events.inputs->>'language')
    end as child_agent,
    events.event_type as call_type,
    events.depth as call_depth,
    row_number() over (partition by events.run_id order by events.execution_order) - 1 as call_sequence,
    if(events.event_type = 'agent_call', turns.answered, events.inputs) as data_passed,
    events.outputs as data_returned,
    events.status,
    events.error_message,
    events.duration_ms,
    events.timestamp as created_at
from events
left join turns
    on turns.run_id = events.run_id and turns.id = events.id
left join execution_events as openers
    on openers.run_id = turns.run_id and openers.id = turns.answered_id;


-- One row per agent and day (NULL where the source carries no time), AG2's own agents, that choose the next speaker, too.
create view agent_performance_metrics as
select
    agent_name,
    date_trunc('day', created_at) as period_start,
    date_trunc('day', created_at) + interval 1 day as period_end,
    count(*) as total_executions,
    count(*) filter (where status = 'SUCCESS') as successful_executions,
    count(*) filter (where status = 'FAILED') as failed_executions,
    count(*) filter (where status = 'TIMEOUT') as timeout_executions,
    count(*) filter (where status = 'SUCCESS') / count(*) as success_rate,
    round(avg(duration_ms), 6) as avg_duration_ms,
    median(duration_ms) as median_duration_ms,
    quantile_cont(duration_ms, 0.95) as p95_duration_ms,
    max(duration_ms) as max_duration_ms,
    round(avg(llm_latency_ms), 6) as avg_llm_latency_ms,
    count(llm_model) as llm_calls,
    sum(total_tokens) as total_tokens,
    round(sum(cost), 10) as total_cost,
    round(avg(response_quality_score), 6) as avg_quality_score
from agent_executions
group by agent_name, date_trunc('day', created_at);
