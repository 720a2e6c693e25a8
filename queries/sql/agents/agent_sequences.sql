-- Which agents speak in the same order in a chat again and again?
--
-- Parameters
--   run_id VARCHAR = NULL   one run; all runs where NULL
--   min_length BIGINT = 3   turns in a sequence, at least
--   max_length BIGINT = 5   turns in a sequence, at most
--   min_count BIGINT = 2    how often, at least
--   min_runs BIGINT = 1     runs that it appears in, at least
--   repeats BOOLEAN = true  keep several turns of one agent in a row; false makes one of them
--
-- Columns
--   agents  the speakers of one chat, in order; a nested chat is one of its own; NULL in a row that only says what was left
--           out, where nothing else is left
--   length  turns in the sequence
--   count   how often they spoke in this order with no other turn of the chat between
--   runs    in how many runs
--   note    where longer sequences were not looked for, because those of more than 5 turns have, counted for each length,
--           more than 20 million beginnings and turns: up to what length they were
with recursive

turns as (
    select
        run_id,
        chat,
        agent_name,
        place
    from ingest.turns
    where $run_id is null or ingest.of_run(run_id, event_id, $run_id)
    window chat_order as (partition by run_id, chat order by place)
    qualify
        $repeats
        or lag(place) over chat_order is null
        or lag(agent_name) over chat_order is distinct from agent_name
),

-- numbers in place of names: lists of them are compared much faster
names as materialized (
    select
        agent_name,
        (row_number() over (order by agent_name))::integer as agent_no
    from turns
    group by agent_name
),

-- Sequences of up to 5 turns are counted all at once, which is fastest for few turns: each turn with those after it that such
-- a sequence may have. Cut from the list of the whole run, they would cost its square.
starts as (
    select
        turns.run_id,
        array_agg(names.agent_no) over (
            partition by turns.run_id, turns.chat
            order by turns.place
            rows between current row and 4 following
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
    having sum(count) >= $min_count
        and count(*) >= $min_runs
),

-- each turn with its place among all turns, and among those of its chat
places as materialized (
    select
        names.agent_no,
        dense_rank() over (order by turns.run_id) as run_no,
        row_number() over (order by turns.run_id, turns.chat, turns.place) as place,
        row_number() over (partition by turns.run_id, turns.chat order by turns.place) as place_in_chat
    from turns
    inner join names
        on names.agent_name is not distinct from turns.agent_name
    where $max_length > 5
),

-- Where longer ones are asked for, those that are frequent grow by one turn at a time: no other sequence begins one that is.
-- What is left of the budget is the same for all sequences of a length. Where it is spent, one length more is looked for, to know
-- whether there are longer ones: their budget is NULL.
growth (length, sequence_no, agent_nos, count, runs, places, budget) as (
    select
        1::bigint,
        agent_no,
        [agent_no],
        count(*),
        count(distinct run_no),
        array_agg(place),
        20000000::bigint
    from places
    group by agent_no
    union all
    select
        longer.length,
        (row_number() over ())::integer,
        list_append(growth.agent_nos, longer.agent_no),
        longer.count,
        longer.runs,
        longer.places,
        case
            when growth.budget > 0
                then growth.budget - if(longer.length > 5, (sum(longer.count + longer.length) over ())::bigint, 0)
        end
    from (
        select
            begun.length + 1 as length,
            begun.sequence_no,
            places.agent_no,
            count(*) as count,
            count(distinct places.run_no) as runs,
            array_agg(begun.place) as places
        from (
            select
                length,
                sequence_no,
                unnest(places) as place
            from growth
            where length < $max_length
                and budget is not null
        ) as begun
        inner join places
            on places.place = begun.place + begun.length and places.place_in_chat > begun.length
        group by
            begun.length,
            begun.sequence_no,
            places.agent_no
    ) as longer
    inner join growth
        on growth.sequence_no = longer.sequence_no
    where longer.count >= $min_count
        and longer.runs >= $min_runs
),

-- where longer sequences are left out, a row without agents says up to what length they were looked for
found as (
    select
        agent_nos,
        len(agent_nos) as length,
        count,
        runs,
        null::bigint as cut
    from counted_sequences
    union all
    select
        if(budget is null, null, agent_nos),
        if(budget is null, length - 1, length),
        if(budget is null, null, count),
        if(budget is null, null, runs),
        if(budget is null, length - 1, null) as cut
    from growth
    where $max_length > 5
        and length > 5
        and if(budget is null, sequence_no = 1, length >= $min_length)
),

all_names as (
    select array_agg(agent_name order by agent_no) as names
    from names
)

select
    list_select(all_names.names, found.agent_nos) as agents,
    found.length,
    found.count,
    found.runs,
    if(
        $max_length > 5,
        format('sequences of more than {} turns left out: they are too many, or come too often', max(found.cut) over ()),
        null
    ) as note
from found
cross join all_names
qualify found.agent_nos is not null
    or found.length < $min_length
order by
    found.count desc,
    found.length desc,
    agents
