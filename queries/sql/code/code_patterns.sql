-- Which sets of imports come back in code that ran without failing?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--   min_count BIGINT = 4   how often, at least
--
-- Columns
--   imports       the modules imported together, a JSON list
--   frequency     executions of such code
--   agents_using  who wrote it
select
    meta->>'imports' as imports,
    count(*) as frequency,
    ingest.distinct_values(array_agg(agent_name)) as agents_using
from execution_events
where ($run_id is null or ingest.of_run(run_id, id, $run_id))
    and event_type = 'code_exec'
    and status = 'completed'
group by meta->>'imports'
having count(*) >= $min_count
order by
    frequency desc,
    imports
