-- Which code or tool made which file, and what stands in it?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--
-- Columns
--   run_id           the run
--   agent_name       who wrote the code or called the tool
--   generating_code  the code, its first 500 characters
--   file_path        the file, as the run spelt it; a row for each file of a run, with what wrote it last. How often
--                    it was written, files_written tells
--   file_content     its text, where it was saved
--   file_type        its extension
select
    events.run_id,
    events.agent_name,
    events.inputs->>'code_snippet' as generating_code,
    files.file_path,
    files.file_content,
    files.file_type
from execution_events as events
inner join files
    on files.event_id = events.id
where ($run_id is null or ingest.of_run(events.run_id, events.id, $run_id))
    and events.event_type = 'file_gen'
order by
    events.run_id,
    events.execution_order
