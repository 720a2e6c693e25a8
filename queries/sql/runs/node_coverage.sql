-- Which workflow nodes did a run pass through, and what happened in each?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--
-- Columns
--   node_id      the node that the user marked; NULL for what happened outside of any
--   event_count  events in it
--   event_types  the types of these events
select
    node_id,
    count(*) as event_count,
    string_agg(distinct event_type, ', ' order by event_type) as event_types
from execution_events
where $run_id is null or ingest.of_run(run_id, id, $run_id)
group by node_id
order by
    event_count desc,
    node_id
