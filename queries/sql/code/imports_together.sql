-- Which modules are imported together in code that ran without failing?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--   min_count BIGINT = 2   how often, at least
--
-- Columns
--   import_a  one module
--   import_b  the other
--   count     executions that import both
--   runs      in how many runs
--   share     of the executions that import either, the share that import both
with

executions as (
    select
        id,
        run_id,
        list_distinct(json_transform(meta->'imports', '["VARCHAR"]')) as imports
    from execution_events
    where ($run_id is null or ingest.of_run(run_id, id, $run_id))
        and event_type = 'code_exec'
        and status = 'completed'
),

imports as (
    select
        id,
        run_id,
        unnest(imports) as import
    from executions
),

import_counts as (
    select
        import,
        count(*) as count
    from imports
    group by import
),

pairs as (
    select
        a.import as import_a,
        b.import as import_b,
        count(*) as count,
        count(distinct a.run_id) as runs
    from imports as a
    inner join imports as b
        on b.id = a.id and b.import > a.import
    group by
        a.import,
        b.import
)

select
    pairs.import_a,
    pairs.import_b,
    pairs.count,
    pairs.runs,
    pairs.count / (a.count + b.count - pairs.count) as share
from pairs
inner join import_counts as a
    on a.import = pairs.import_a
inner join import_counts as b
    on b.import = pairs.import_b
where pairs.count >= $min_count
order by
    pairs.count desc,
    share desc,
    pairs.import_a,
    pairs.import_b
