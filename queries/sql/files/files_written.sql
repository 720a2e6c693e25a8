-- Which files were written, how often, and by whom?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--
-- Columns
--   file_path      the file, as the run spelt it
--   file_type      its extension
--   writes         how often it was written
--   runs           in how many runs
--   agents         who wrote the code or called the tool
--   largest_bytes  its largest size, where known
select
    files.file_path,
    any_value(files.file_type) as file_type,
    count(*) as writes,
    count(distinct files.run_id) as runs,
    array_agg(distinct events.agent_name order by events.agent_name)
        filter (where events.agent_name is not null) as agents,
    max(files.file_size) as largest_bytes
from files
left join execution_events as events
    on events.run_id = files.run_id and events.id = files.event_id
where ($run_id is null or files.run_id = $run_id)
    and files.operation = 'write'
group by files.file_path
order by
    writes desc,
    files.file_path
