-- Which files flow from the step that wrote them last to another that read them later?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--
-- Columns
--   run_id          the run
--   file_path       the file, as who wrote it spelt it
--   written_by      who wrote it, the last before the read; what code that failed was to write does not count
--   written_in      the step, or else the node, that wrote it
--   read_by         who read it, with a row for each time; code that reads what it wrote itself has none
--   read_in         the step, or else the node, that read it
--   read_status     of the code or tool call that read it: completed, failed (it may have ended before it came to that) or
--                   pending
--   events_between  events of the run from the one to the other
with

chosen_runs as (
    select
        run_id,
        cwd,
        json_transform(meta->'agents', '[{"name": "VARCHAR", "work_dir": "VARCHAR"}]') as agents
    from runs
    where $run_id is null or run_id = $run_id
),

agents_of_runs as (
    select
        run_id,
        unnest(agents) as agent
    from chosen_runs
),

-- the folders in which agents run code, from the run's own
work_dirs as (
    select
        run_id,
        agent.name as executor,
        min(agent.work_dir) as work_dir
    from agents_of_runs
    where agent.work_dir is not null
    group by
        run_id,
        agent.name
    having min(agent.work_dir) = max(agent.work_dir)  -- count(distinct ...) would join several aggregates
),

written as (
    select
        run_id,
        execution_order,
        agent_name,
        coalesce(step_id, node_id) as step,
        outputs->>'file_path' as file_path,
        meta->>'executor' as executor,
        meta->>'work_dir' as work_dir,
        status,
        true as is_write
    from execution_events
    where ($run_id is null or ingest.of_run(run_id, id, $run_id))
        and event_type = 'file_gen'
        and status = 'completed'
),

read as (
    select
        run_id,
        execution_order,
        agent_name,
        coalesce(step_id, node_id) as step,
        unnest(list_filter(
            try_cast(meta->'files_read' as varchar[]),
            lambda path: not coalesce(list_contains(try_cast(meta->'files_read_back' as varchar[]), path), false)
        )) as file_path,
        -- a tool runs in the run's folder, whatever else its agent runs
        if(event_type = 'code_exec', meta->>'executor', null) as executor,
        meta->>'work_dir' as work_dir,
        status,
        false as is_write
    from execution_events
    where ($run_id is null or ingest.of_run(run_id, id, $run_id))
        and (event_type in ('code_exec', 'tool_call')) is true
),

spelt as (
    select * from written
    union all by name
    select * from read
),

in_folders as (
    select
        spelt.*,
        chosen_runs.cwd,
        coalesce(spelt.work_dir, work_dirs.work_dir) as folder
    from spelt
    inner join chosen_runs
        on chosen_runs.run_id = spelt.run_id
    left join work_dirs
        on work_dirs.run_id = spelt.run_id and work_dirs.executor = spelt.executor
),

-- A step for each part of the path, because a macro repeats what it is given. The whole path, because somebody may spell that.
in_whole_folders as (
    select
        *,
        if(folder ^@ '/' or cwd is null, folder, concat_ws('/', cwd, folder)) as whole_folder
    from in_folders
),

whole as (
    select
        *,
        ingest.place(file_path, whole_folder) as whole_path
    from in_whole_folders
),

placed as (
    select
        *,
        ingest.without_ups(whole_path) as place
    from whole
)

select
    writes.run_id,
    writes.file_path,
    writes.agent_name as written_by,
    writes.step as written_in,
    reads.agent_name as read_by,
    reads.step as read_in,
    reads.status as read_status,
    reads.execution_order - writes.execution_order as events_between
from (select * from placed where not is_write) as reads
asof join (select * from placed where is_write) as writes
    on writes.run_id = reads.run_id
    and writes.place = reads.place
    and writes.execution_order < reads.execution_order
order by
    writes.run_id,
    writes.execution_order,
    reads.execution_order
