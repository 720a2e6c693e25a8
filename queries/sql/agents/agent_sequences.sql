-- Which agents speak in the same order in a chat again and again?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--   min_length BIGINT = 3  turns in a sequence, at least
--   max_length BIGINT = 5  turns in a sequence, at most
--   min_count BIGINT = 2   how often, at least
--   min_runs BIGINT = 1    runs that it appears in, at least
--
-- Columns
--   agents  the speakers of one chat, in order; a nested chat is one of its own
--   length  turns in the sequence
--   count   how often they spoke in this order with no other turn of the chat between
--   runs    in how many runs
with

turns as (
    select
        run_id,
        chat,
        agent_name,
        place
    from ingest.turns
    where $run_id is null or ingest.of_run(run_id, event_id, $run_id)
),

-- numbers in place of names: lists of them are compared much faster
names as materialized (
    select
        agent_name,
        (row_number() over (order by agent_name))::integer as agent_no
    from turns
    group by agent_name
),

-- each turn with those after it that a sequence may have; cut from the list of the whole run, they would cost its square
starts as (
    select
        turns.run_id,
        array_agg(names.agent_no) over (
            partition by turns.run_id, turns.chat
            order by turns.place
            rows between current row and greatest($max_length, 1) - 1 following
        ) as agent_nos
    from turns
    inner join names
        on names.agent_name is not distinct from turns.agent_name
),

lengths as (
    select
        *,
        unnest(range(greatest($min_length, 1), least($max_length, len(agent_nos)) + 1)) as length
    from starts
),

sequences_of_runs as (
    select
        run_id,
        agent_nos[1 : length] as agent_nos,
        count(*) as count
    from lengths
    group by
        run_id,
        agent_nos[1 : length]
),

counted_sequences as (
    select
        agent_nos,
        sum(count)::bigint as count,
        count(*) as runs
    from sequences_of_runs
    group by agent_nos
),

all_names as (
    select array_agg(agent_name order by agent_no) as names
    from names
)

select
    list_transform(counted_sequences.agent_nos, lambda agent_no: all_names.names[agent_no]) as agents,
    len(counted_sequences.agent_nos) as length,
    counted_sequences.count,
    counted_sequences.runs
from counted_sequences
cross join all_names
where counted_sequences.count >= $min_count
    and counted_sequences.runs >= $min_runs
order by
    counted_sequences.count desc,
    length desc,
    agents
