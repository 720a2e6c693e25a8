-- Which files flow from the step that wrote them last to one that read them later?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--
-- Columns
--   run_id          the run
--   file_path       the file, as the run spelt it
--   written_by      who wrote it
--   written_in      the step, or else the node, that wrote it
--   read_by         who read it
--   read_in         the step, or else the node, that read it
--   events_between  events of the run from the one to the other
with

uses as (
    select
        files.run_id,
        files.file_path,
        regexp_replace(files.file_path, '^(\./)+', '') as path,
        files.operation,
        events.agent_name,
        coalesce(events.step_id, events.node_id) as step,
        events.execution_order
    from files
    inner join execution_events as events
        on events.run_id = files.run_id and events.id = files.event_id
    where ($run_id is null or files.run_id = $run_id)
        and files.operation in ('write', 'read')
),

writes as (
    select *
    from uses
    where operation = 'write'
),

reads as (
    select *
    from uses
    where operation = 'read'
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
