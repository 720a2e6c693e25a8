-- Which files were written, how often, and by whom?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--
-- Columns
--   file_path      the file, as the run spelt it, without a leading ./
--   file_type      its extension
--   writes         how often it was written (file_generation has one row of it in each run); what code that failed was
--                  to write does not count
--   runs           in how many runs
--   agents         who wrote the code or called the tool, each of them
--   largest_bytes  its largest size, where known
with

writes as (
    select
        run_id,
        agent_name,
        regexp_replace(outputs->>'file_path', '^(\./)+', '') as file_path,
        meta->>'file_type' as file_type,
        try_cast(outputs->>'file_size' as bigint) as bytes
    from execution_events
    where ($run_id is null or ingest.of_run(run_id, id, $run_id))
        and event_type = 'file_gen'
        and status = 'completed'
)

select
    file_path,
    max(file_type) as file_type,
    count(*) as writes,
    len(list_distinct(array_agg(run_id))) as runs,
    ingest.distinct_values(array_agg(agent_name) filter (where agent_name is not null)) as agents,
    max(bytes) as largest_bytes
from writes
where file_path is not null
group by file_path
order by
    writes desc,
    file_path
