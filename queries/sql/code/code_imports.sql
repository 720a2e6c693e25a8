-- What does each executed piece of code import and write?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--
-- Columns
--   run_id      the run
--   agent_name  who wrote the code
--   imports     modules that it imports, a JSON list
--   files       files that it writes, a JSON list
select
    run_id,
    agent_name,
    meta->>'imports' as imports,
    meta->>'files_written' as files
from execution_events
where ($run_id is null or ingest.of_run(run_id, id, $run_id))
    and event_type = 'code_exec'
    and (meta->>'imports') is not null
order by
    run_id,
    execution_order
