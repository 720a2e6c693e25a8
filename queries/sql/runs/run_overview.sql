-- Which runs are there, how did they end, and what did they take?
--
-- Parameters
--   status VARCHAR = NULL  one of: completed, failed, running, interrupted; all where NULL
--   mode VARCHAR = NULL    one workflow mode; all where NULL
--   hours DOUBLE = NULL    only runs that started in the last so many hours; all where NULL
--
-- Columns
--   run_id        the run
--   task          what it was for
--   mode          its workflow mode
--   status        how it ended; only a journal tells, and all others count as completed
--   started_at    when it started, UTC; NULL where the source carries no time
--   duration_ms   how long it took
--   messages      messages in it, those of AG2's own agents, that choose the next speaker, too
--   llm_calls     calls of a language model, cached ones among them
--   tool_calls    tools that agents called; without those that the user's code marked with timed("tool_call", ...)
--   code_execs    executions of code
--   files         files written
--   errors        failures, each once
--   total_tokens  tokens, cached calls apart
--   cost          US dollars, cached calls apart
select
    run_id,
    task,
    mode,
    status,
    started_at,
    duration_ms,
    messages,
    llm_calls,
    tool_calls,
    code_execs,
    files,
    errors,
    total_tokens,
    cost
from runs
where ($status is null or status = $status)
    and ($mode is null or mode = $mode)
    and ($hours is null or epoch_us(started_at) >= epoch_us(now()) - $hours * 3600000000)
order by
    started_at desc nulls last,
    run_id
