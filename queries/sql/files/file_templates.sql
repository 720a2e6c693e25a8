-- Which file contents are made again and again, and could be a template?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--   min_count BIGINT = 1   how often, at least
--
-- Columns
--   context      how the file came about
--   template     its text
--   file_type    its extension
--   usage_count  how often it was made
select
    inputs->>'generation_context' as context,
    outputs->>'file_content' as template,
    meta->>'file_type' as file_type,
    count(*) as usage_count
from execution_events
where ($run_id is null or ingest.of_run(run_id, id, $run_id))
    and event_type = 'file_gen'
    and status = 'completed'
    and (outputs->>'file_content') is not null
group by
    inputs->>'generation_context',
    outputs->>'file_content',
    meta->>'file_type'
having count(*) >= $min_count
order by
    usage_count desc,
    context,
    template,
    file_type
