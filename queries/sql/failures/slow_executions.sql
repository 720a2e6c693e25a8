-- Which executions of agents took long, and how much of it was the language model?
--
-- Parameters
--   threshold_ms DOUBLE = 5000  slower than this
--   run_id VARCHAR = NULL       one run; all runs where NULL
--   hours DOUBLE = NULL         only those of the last so many hours; all where NULL
--
-- Columns
--   conversation_id  the run
--   execution_id     the execution
--   agent_name       the agent
--   status           how it ended
--   duration_ms      how long it took
--   llm_latency_ms   how long its LLM calls took, those that failed and were tried again as well; NULL where it made none
--   overhead_ms      the rest: tools, code and AG2 itself
--   work             tools and languages of the code that ran in this time, each with who asked for it and how it ended;
--                    its failure counts for the execution of who asked
--   created_at       when it began, UTC
--
-- Example
--   threshold_ms = 100
with

slow_executions as materialized (
    select
        run_id,
        id,
        agent_name,
        status,
        duration_ms,
        llm_ms,
        execution_order,
        created_at
    from executions
    where ($run_id is null or ingest.of_run(run_id, id, $run_id))
        and ($hours is null or epoch_us(created_at) >= epoch_us(now()) - $hours * 3600000000)
        and duration_ms > $threshold_ms
),

work as (
    select
        events.run_id,
        events.parent_event_id,
        array_agg(
            concat_ws(
                ' ',
                coalesce(events.meta->>'tool_name', events.meta->>'language'),
                'for ' || events.agent_name || ':',
                events.status
            )
            order by events.execution_order
        ) as work
    from execution_events as events
    inner join slow_executions
        on slow_executions.run_id = events.run_id and slow_executions.id = events.parent_event_id
    where ($run_id is null or ingest.of_run(events.run_id, events.id, $run_id))
        and (events.event_type in ('tool_call', 'code_exec')) is true
    group by
        events.run_id,
        events.parent_event_id
)

select
    slow_executions.run_id as conversation_id,
    slow_executions.id as execution_id,
    slow_executions.agent_name,
    slow_executions.status,
    slow_executions.duration_ms,
    slow_executions.llm_ms as llm_latency_ms,
    round(greatest(slow_executions.duration_ms - coalesce(slow_executions.llm_ms, 0), 0), 6) as overhead_ms,
    coalesce(work.work, []) as work,
    slow_executions.created_at
from slow_executions
left join work
    on work.run_id = slow_executions.run_id and work.parent_event_id = slow_executions.id
order by
    slow_executions.duration_ms desc,
    slow_executions.run_id,
    slow_executions.execution_order
