-- Which files flow from the step that wrote them last to one that read them later?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--
-- Columns
--   run_id          the run
--   file_path       the file, as who wrote it spelt it
--   written_by      who wrote it, the last before the read; what code that failed was to write does not count
--   written_in      the step, or else the node, that wrote it
--   read_by         who read it, with a row for each time
--   read_in         the step, or else the node, that read it
--   events_between  events of the run from the one to the other
with

writes as (
    select
        run_id,
        execution_order,
        agent_name,
        coalesce(step_id, node_id) as step,
        outputs->>'file_path' as file_path,
        regexp_replace(outputs->>'file_path', '^(\./)+', '') as path
    from execution_events
    where ($run_id is null or ingest.of_run(run_id, id, $run_id))
        and event_type = 'file_gen'
        -- an executor saves code that names its file before it runs it, however that ends
        and (status = 'completed' or (meta->>'method') = 'code.filename')
),

paths_read as (
    select
        run_id,
        execution_order,
        agent_name,
        coalesce(step_id, node_id) as step,
        unnest(try_cast(meta->'files_read' as varchar[])) as file_path
    from execution_events
    where ($run_id is null or ingest.of_run(run_id, id, $run_id))
        and event_type = 'code_exec'
),

reads as (
    select
        *,
        regexp_replace(file_path, '^(\./)+', '') as path
    from paths_read
)

select
    writes.run_id,
    writes.file_path,
    writes.agent_name as written_by,
    writes.step as written_in,
    reads.agent_name as read_by,
    reads.step as read_in,
    reads.execution_order - writes.execution_order as events_between
from reads
asof join writes
    on writes.run_id = reads.run_id
    and writes.path = reads.path
    and writes.execution_order < reads.execution_order
order by
    writes.run_id,
    writes.execution_order,
    reads.execution_order
