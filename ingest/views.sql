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


-- The execution that a call of a language model is of: its turn, or the call itself where an agent asked outside of any.
create or replace macro ingest.execution_of(id, event_subtype, parent_event_id) as
    case when event_subtype = 'single' then id else parent_event_id end;  -- of `if` DuckDB 1 knows nothing in a stored view


-- Whether an agent_call is no turn: what a group's manager announces, or what was said before the run began.
create or replace macro ingest.is_aside(event_subtype) as
    (event_subtype in ('announcement', 'earlier')) is true;


-- The turn that asked for a tool call, or whose code was executed, as its `meta` tells; NULL where that is not known.
create or replace macro ingest.asked_in(meta) as
    try_cast(coalesce(meta->>'requested_in', meta->>'written_in') as uuid);


-- The whole request of each call of a language model, and its messages alone: to take them out of the whole would cost more
-- than to put them together. DuckDB 2 leaves a join with this out under an aggregate that uses no column of it, because run_id
-- and event_id are unique; other queries without requests read ingest.llm_calls itself.
create view ingest.requests as
select
    calls.run_id,
    calls.event_id,
    case
        when any_value(calls.call_number) is null then any_value(calls.request)->'messages'
        else concat('[', string_agg(messages.message::varchar, ',' order by messages.position), ']')::json
    end as messages,
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


-- Whether a JSON list of the languages of code blocks has one of programs, not only of text and data
create or replace macro ingest.has_program(languages) as
    len(list_filter(
        languages->>'$[*]',
        lambda language: lower(language) not in (
            'text', 'txt', 'plaintext', 'markdown', 'md', 'json', 'jsonl', 'yaml', 'yml', 'toml', 'ini', 'csv', 'tsv', 'xml',
            'latex', 'tex', 'output', 'log'
        )
    )) > 0;


-- One name for the language of a code block, of the several that agents write on it.
create or replace macro ingest.language(label) as
    case
        when lower(label) in ('python', 'py', 'python3', 'ipython', 'jupyter') then 'python'
        when lower(label) in ('sh', 'bash', 'shell', 'zsh', 'console', 'terminal') then 'sh'
        else label
    end;


-- The different values of a list in order, NULL last, as array_agg(distinct ... order by ...) has them. That makes DuckDB 2
-- aggregate all rows several times and join what came of it.
create or replace macro ingest.distinct_values(list) as
    list_sort(list_distinct(list)) || case when list_count(list) < len(list) then [null] else [] end;


-- Whether a text names an agent: by whole words, as AG2 looks for names, with blanks or escaped underscores, too.
create or replace macro ingest.names(text, agent) as
    regexp_matches(
        text,
        concat(
            '(^|[^\pL\pN_])(',
            regexp_escape(agent), '|',
            regexp_escape(replace(agent, '_', ' ')), '|',
            regexp_escape(replace(agent, '_', '\_')),
            ')([^\pL\pN_]|$)'
        )
    );


-- A path in which each `..` has gone with the folder before it. What is kept has a slash before each of its parts.
create or replace macro ingest.without_ups(path) as
    case
        when not contains(path, '..') or length(path) > 4096 then path
        else substr(
            list_reduce(
                string_split('/' || regexp_replace(path, '//+', '/', 'g'), '/'),
                lambda kept, part:
                    case
                        when part <> '..' or kept = '' or suffix(kept, '/..') then concat(kept, '/', part)
                        when kept = '/' then kept
                        else regexp_replace(kept, '/[^/]*$', '')
                    end
            ),
            2
        )
    end;


-- Where a file lies, from the run's folder: code spells it relative to the folder that it runs in, where that is known. Not
-- yet without_ups: that names its path several times, and so would be given this several times.
create or replace macro ingest.place(path, work_dir) as
    regexp_replace(
        case when path ^@ '/' or work_dir is null then path else concat(rtrim(work_dir, '/'), '/', path) end,
        '(^|/)(\./+)+',
        '\1',
        'g'
    );


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
    from main.execution_events
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
    "timestamp" as created_at,
    meta->>'marks' as marks
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
-- Without what is AG2's own, who is asked who speaks next and what a group's manager announces, and without what was said
-- before the run began.
create view ingest.turns as
select
    run_id,
    chat,
    event_id,
    sender as agent_name,
    message_order as place,
    "timestamp" as said_at
from main.messages
where internal is not true;


-- Python's traceback of a failed event: what was recorded of an exception, or the output that has one.
create or replace macro ingest.traceback(meta, outputs) as
    coalesce(
        meta->>'traceback',
        case when contains(outputs->>'result', 'Traceback (most recent call last)') then outputs->>'result' end
    );


-- What a model answered: the message of a chat completion, the items of OpenAI's Responses API, or the messages of AG2's
-- UnifiedResponse.
create or replace macro ingest.answer(response) as
    coalesce(response->'$.choices[0].message', response->'$.output', response->'$.messages');


-- The executions of agents, with what the last LLM call of each asked, answered and cost; a call that AG2's cache answered
-- cost nothing. What went in is what the turn that it answers said, what came out is its own words; the opening of a nested
-- chat was given no message.
create view agent_executions as
select
    executions.id,
    executions.session_id as vault_id,
    executions.run_id as conversation_id,
    executions.answered_id as parent_execution_id,
    executions.agent_name,
    executions.status,
    executions.current_stage,
    case when answered.id is distinct from events.parent_event_id then answered.outputs end as input_data,
    events.outputs as output_data,
    executions.error_type,
    errors.error_message,
    ingest.traceback(failures.meta, failures.outputs) as error_traceback,
    calls.model as llm_model,
    requests.request as llm_request,
    case when calls.status = 'completed' then ingest.answer(calls.response) end as llm_response,
    calls.duration_ms as llm_latency_ms,
    case when calls.cached then 0 else calls.prompt_tokens end as prompt_tokens,
    case when calls.cached then 0 else calls.completion_tokens end as completion_tokens,
    case when calls.cached then 0 else calls.total_tokens end as total_tokens,
    case when calls.cached then 0 else calls.cost end as cost,
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
from executions
inner join execution_events as events
    on events.run_id = executions.run_id and events.id = executions.id
left join execution_events as answered
    on answered.run_id = executions.run_id and answered.id = executions.answered_id
left join execution_events as failures
    on failures.run_id = executions.run_id
    and failures.execution_order = executions.failure_order
    and failures.status = 'failed'
left join execution_events as errors
    on errors.run_id = executions.run_id and errors.execution_order = executions.error_order
left join ingest.llm_calls as calls
    on calls.run_id = executions.run_id and calls.event_id = executions.call_id
left join ingest.requests
    on requests.run_id = calls.run_id and requests.event_id = calls.event_id;


-- One row per stage of an execution, of one run or of all where NULL: INIT (the message that it answers), SHOULD_RESPOND (how
-- the agent was chosen), LLM_CALL, POST_PROCESS (code, tools and files that the agent asked for), COMPLETE (what it said).
create or replace macro ingest.stages_of(asked) as table
with

-- what is told of each stage is put together first, so that no JSON travels through the windows below
events as (
    select
        run_id,
        id,
        chat,
        agent_name,
        event_type,
        execution_order,
        status,
        timestamp,
        completed_at,
        duration_ms,
        error_message,
        meta,
        case when event_type = 'agent_call' then id end as turn_id,
        -- with which an execution begins
        case
            when event_type = 'agent_call' or (event_type = 'llm_call' and event_subtype = 'single') or event_type = 'error'
                then {'id': id, 'began': timestamp, 'place': execution_order}
        end as beginning,
        case when event_type = 'handoff' then inputs->>'to_agent' else agent_name end as who,
        case
            when event_type = 'llm_call' then ingest.execution_of(id, event_subtype, parent_event_id)
            when event_type = 'error' then id
            when event_type in ('code_exec', 'tool_call') then ingest.asked_in(meta)
        end as known_id,
        case
            when event_type = 'agent_call' then json_object('sender', inputs->'sender', 'role', inputs->'role')
        end as origin,
        case event_type
            when 'agent_call' then concat('message from ', coalesce(inputs->>'sender', 'outside'))
            when 'handoff' then concat(
                'chosen after ', inputs->>'from_agent', ': ', coalesce(meta->>'selection', meta->>'reason', 'unknown how')
            )
            when 'llm_call' then concat_ws(' ', meta->>'model', status)
            when 'code_exec' then concat_ws(' ', event_type, meta->>'language', status)
            when 'tool_call' then concat_ws(' ', event_type, meta->>'tool_name', status)
            else concat_ws(' ', event_type, meta->>'file_path', status)
        end as message,
        case
            when event_type = 'error' or event_subtype = 'unspoken' and status = 'failed'
                then concat_ws(' ', 'raised', meta->>'error_type')
            when event_type <> 'agent_call' then null
            when (meta->>'content_length')::bigint > 0 then concat('said ', meta->>'content_length', ' characters')
            when len(outputs->>'$.tool_calls[*].function.name') > 0
                then 'called ' || array_to_string(outputs->>'$.tool_calls[*].function.name', ', ')
            else 'said nothing'
        end as words
    from execution_events
    where (asked is null or ingest.of_run(run_id, id, asked))
        and (
            (event_type in ('agent_call', 'handoff', 'llm_call') and not ingest.is_aside(event_subtype))
            or (event_type in ('code_exec', 'tool_call', 'file_gen') and event_subtype <> 'action')
            -- not every exception is an execution
            or (
                event_type = 'error'
                and id in (
                    select executions.id
                    from executions
                    where not executions.is_turn
                        and (asked is null or ingest.of_run(executions.run_id, executions.id, asked))
                )
            )
        )
),

-- The turn before is asked for only where `who` is the agent itself, not for choices: so one window tells of it and of what
-- comes next.
ordered as (
    select
        *,
        last_value(turn_id ignore nulls) over of_who as latest_turn_id,
        first_value(beginning ignore nulls) over (of_who rows between 1 following and unbounded following)
            as next_of_chosen,
        first_value(case when turn_id is not null then beginning end ignore nulls) over later as next_turn
    from events
    window
        of_who as (
            partition by run_id, chat, who
            order by execution_order
        ),
        later as (
            partition by run_id, chat
            order by execution_order
            rows between 1 following and unbounded following
        )
),

-- a choice is that of what who was chosen did next, unless somebody else spoke before
chosen as (
    select
        *,
        case
            when event_type <> 'handoff' then null
            when next_of_chosen.place <= next_turn.place or next_turn is null then next_of_chosen
            else next_turn
        end as next_beginning
    from ordered
),

events_of_executions as (
    select
        *,
        case
            when event_type in ('llm_call', 'error') then known_id
            when event_type = 'handoff' then next_beginning.id
            else coalesce(known_id, latest_turn_id)
        end as execution_id,
        -- that who is spoken to replies is recorded with the reply
        case when event_type = 'handoff' then least(timestamp, next_beginning.began) else timestamp end as began_at
    from chosen
),

stages as (
    select
        *,
        unnest(
            case event_type
                when 'agent_call' then case when status = 'pending' then ['INIT'] else ['INIT', 'COMPLETE'] end
                when 'handoff' then ['SHOULD_RESPOND']
                when 'llm_call' then ['LLM_CALL']
                when 'error' then ['COMPLETE']
                else ['POST_PROCESS']
            end
        ) as stage
    from events_of_executions
    where execution_id is not null
)

select
    run_id,
    id as event_id,
    execution_id,
    agent_name,
    stage,
    case when status = 'failed' and stage <> 'INIT' then 'error' else 'info' end as level,
    case when stage = 'COMPLETE' then words else message end as message,
    case when stage = 'INIT' then origin else meta end as data,
    case when stage <> 'INIT' then error_message end as error_message,
    case when stage in ('LLM_CALL', 'POST_PROCESS') then duration_ms end as duration_ms,
    case when stage = 'COMPLETE' then coalesce(completed_at, began_at) else began_at end as created_at,
    list_position(['INIT', 'SHOULD_RESPOND', 'LLM_CALL', 'POST_PROCESS', 'COMPLETE'], stage) as place,
    execution_order
from stages;


-- The same, numbered as they happened: what another agent ran comes after the words that asked for it. created_at is when the
-- stage began, of COMPLETE when the words were said.
create view agent_execution_logs as
select
    concat(event_id, ':', stage) as id,
    execution_id,
    run_id as conversation_id,
    agent_name,
    stage,
    level,
    message,
    data,
    error_message,
    duration_ms,
    row_number() over (
        partition by run_id, execution_id
        order by created_at, place, execution_order
    ) - 1 as log_sequence,
    created_at
from ingest.stages_of(null);


-- One row per call of one run, or of all where NULL: an agent that is spoken to (depth 0 in a plain chat), and inside its turn
-- the model, the tools and the code that it calls. The parent of a turn is the turn that it answers, and what was passed is
-- what that one said; the parent of a call is the turn that it happened in (of a tool that another agent runs, the turn with
-- its result).
create or replace macro ingest.calls_of(asked) as table
select
    events.id,
    events.run_id,
    events.execution_order,
    -- an exception may have ended the turn of an agent before it had said anything
    case when events.event_type = 'error' then 'agent_call' else events.event_type end as call_type,
    case when call_type = 'agent_call' then executions.answered_id else events.parent_event_id end as parent_id,
    case when call_type = 'agent_call' then answered.agent_name else events.agent_name end as caller,
    case call_type
        when 'agent_call' then events.agent_name
        when 'llm_call' then events.meta->>'model'
        when 'tool_call' then events.meta->>'tool_name'
        else coalesce(events.meta->>'executor', events.inputs->>'language')
    end as callee,
    case when events.event_type = 'error' then executions.depth else events.depth end as call_depth,
    case
        when call_type <> 'agent_call' then events.inputs
        -- the opening of a nested chat was given no message
        when answered.id is distinct from events.parent_event_id then answered.outputs
    end as data_passed,
    events.outputs as data_returned,
    events.status,
    events.error_message,
    events.duration_ms,
    events.timestamp as created_at
from execution_events as events
left join executions
    on executions.run_id = events.run_id
    and executions.id = events.id
    and events.event_type in ('agent_call', 'error')
    and (asked is null or ingest.of_run(executions.run_id, executions.id, asked))
left join execution_events as answered
    on answered.run_id = executions.run_id
    and answered.id = executions.answered_id
    and (asked is null or ingest.of_run(answered.run_id, answered.id, asked))
where (asked is null or ingest.of_run(events.run_id, events.id, asked))
    and (
        events.event_type in ('agent_call', 'llm_call', 'tool_call', 'code_exec')
        or (events.event_type = 'error' and executions.id is not null)
    ) is true
    and not ingest.is_aside(events.event_subtype);


-- The same, numbered.
create view agent_call_chains as
select
    id,
    run_id as conversation_id,
    parent_id as parent_execution_id,
    id as child_execution_id,
    caller as parent_agent,
    callee as child_agent,
    call_type,
    call_depth,
    row_number() over (partition by run_id order by execution_order) - 1 as call_sequence,
    data_passed,
    data_returned,
    status,
    error_message,
    duration_ms,
    created_at
from ingest.calls_of(null);


-- One row per agent and day (NULL where the source carries no time), AG2's own agents, that choose the next speaker, too.
create view agent_performance_metrics as
select
    executions.agent_name,
    date_trunc('day', executions.created_at) as period_start,
    date_trunc('day', executions.created_at) + interval 1 day as period_end,
    count(*) as total_executions,
    count(*) filter (where executions.status = 'SUCCESS') as successful_executions,
    count(*) filter (where executions.status = 'FAILED') as failed_executions,
    count(*) filter (where executions.status = 'TIMEOUT') as timeout_executions,
    count(*) filter (where executions.status = 'SUCCESS') / count(*) as success_rate,
    round(favg(executions.duration_ms), 6) as avg_duration_ms,
    median(executions.duration_ms) as median_duration_ms,
    quantile_cont(executions.duration_ms, 0.95) as p95_duration_ms,
    max(executions.duration_ms) as max_duration_ms,
    round(fsum(executions.llm_ms) / nullif(sum(executions.llm_calls), 0), 6) as avg_llm_latency_ms,
    sum(executions.llm_calls)::bigint as llm_calls,
    sum(executions.total_tokens)::bigint as total_tokens,
    round(fsum(executions.cost), 10) as total_cost,
    round(favg(calls.response_quality_score), 6) as avg_quality_score
from executions
left join ingest.llm_calls as calls
    on calls.run_id = executions.run_id and calls.event_id = executions.call_id
group by
    executions.agent_name,
    date_trunc('day', executions.created_at);
