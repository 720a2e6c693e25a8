-- Which code was executed, with what result?
--
-- Parameters
--   run_id VARCHAR = NULL         one run; all runs where NULL
--   status VARCHAR = 'completed'  one of: completed, failed, pending, all
--
-- Columns
--   run_id      the run
--   agent_name  who wrote the code
--   code        the code
--   result      what it printed
--   imports     modules that it imports, a JSON list
--   files       files that it writes, a JSON list
--   status      completed, failed or pending
select
    run_id,
    agent_name,
    inputs->>'code' as code,
    outputs->>'result' as result,
    meta->>'imports' as imports,
    meta->>'files_written' as files,
    status
from execution_events
where ($run_id is null or ingest.of_run(run_id, id, $run_id))
    and event_type = 'code_exec'
    and ($status = 'all' or status = $status)
order by
    run_id,
    execution_order
