-- Of which written files is the content known?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--
-- Columns
--   run_id          the run
--   path            the file, as the run spelt it
--   content_length  characters of its text
--   has_content     true or false, as text
select
    run_id,
    outputs->>'file_path' as path,
    length(outputs->>'file_content') as content_length,
    meta->>'has_content' as has_content
from execution_events
where ($run_id is null or ingest.of_run(run_id, id, $run_id))
    and event_type = 'file_gen'
order by
    run_id,
    execution_order
