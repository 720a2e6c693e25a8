-- Which tool calls directly follow each other in a chat again and again?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--   min_length BIGINT = 2  calls in a chain, at least
--   max_length BIGINT = 5  calls in a chain, at most
--   min_count BIGINT = 2   how often, at least
--   min_runs BIGINT = 1    runs that it appears in, at least
--
-- Columns
--   tools   names of the tools of one chat, in order; a nested chat is one of its own; calls that the user's code marked with
--           timed("tool_call", ...) among them, but not those that are all of a call of the same name; NULL in a row
--           that only says what was left out, where nothing else is left
--   length  calls in the chain
--   count   how often they were called in this order with no other call of the chat between
--   runs    in how many runs
--   failed  how many of these chains had a call that failed
--   note    where longer chains were not looked for, because those of more than 5 calls have, counted for each length, more
--           than 20 million beginnings and calls: up to what length they were
with recursive

calls as (
    select
        run_id,
        chat,
        execution_order,
        meta->>'tool_name' as tool_name,
        (status = 'failed')::integer as failed
    from execution_events
    where ($run_id is null or ingest.of_run(run_id, id, $run_id))
        and event_type = 'tool_call'
        and (meta->>'marks') is null
),

-- numbers in place of names: lists of them are compared much faster
names as materialized (
    select
        tool_name,
        (row_number() over (order by tool_name))::integer as tool_no
    from calls
    group by tool_name
),

-- Chains of up to 5 calls are counted all at once, which is fastest for few calls: each call with those after it that such a
-- chain may have. Cut from the list of the whole chat, they would cost its square.
starts as (
    select
        calls.run_id,
        array_agg(names.tool_no) over following as tool_nos,
        array_agg(calls.failed) over following as failures
    from calls
    inner join names
        on names.tool_name is not distinct from calls.tool_name
    window following as (
        partition by calls.run_id, calls.chat
        order by calls.execution_order
        rows between current row and 4 following
    )
),

lengths as (
    select
        *,
        unnest(range(greatest($min_length, 1), least($max_length, len(tool_nos)) + 1)) as length
    from starts
),

chains_of_runs as (
    select
        run_id,
        tool_nos[1 : length] as tool_nos,
        count(*) as count,
        sum(list_max(failures[1 : length])) as failed
    from lengths
    group by
        run_id,
        tool_nos[1 : length]
),

counted_chains as (
    select
        tool_nos,
        sum(count)::bigint as count,
        count(*) as runs,
        sum(failed)::bigint as failed
    from chains_of_runs
    group by tool_nos
    having sum(count) >= $min_count
        and count(*) >= $min_runs
),

-- each call with its place among all calls, and among those of its chat
places as materialized (
    select
        names.tool_no,
        calls.failed,
        dense_rank() over (order by calls.run_id) as run_no,
        row_number() over (order by calls.run_id, calls.chat, calls.execution_order) as place,
        row_number() over (partition by calls.run_id, calls.chat order by calls.execution_order) as place_in_chat
    from calls
    inner join names
        on names.tool_name is not distinct from calls.tool_name
    where $max_length > 5
),

-- Where longer ones are asked for, those that are frequent grow by one call at a time: no other chain begins one that is.
-- What is left of the budget is the same for all chains of a length. Where it is spent, one length more is looked for, to know
-- whether there are longer ones: their budget is NULL.
growth (length, chain_no, tool_nos, count, runs, failed, places, failures, budget) as (
    select
        1::bigint,
        tool_no,
        [tool_no],
        count(*),
        count(distinct run_no),
        sum(failed)::bigint,
        array_agg(place),
        array_agg(failed),
        20000000::bigint
    from places
    group by tool_no
    union all
    select
        longer.length,
        (row_number() over ())::integer,
        list_append(growth.tool_nos, longer.tool_no),
        longer.count,
        longer.runs,
        longer.failed,
        longer.places,
        longer.failures,
        case
            when growth.budget > 0
                then growth.budget - if(longer.length > 5, (sum(longer.count + longer.length) over ())::bigint, 0)
        end
    from (
        select
            begun.length + 1 as length,
            begun.chain_no,
            places.tool_no,
            count(*) as count,
            count(distinct places.run_no) as runs,
            sum(greatest(begun.failed, places.failed))::bigint as failed,
            array_agg(begun.place) as places,
            array_agg(greatest(begun.failed, places.failed)) as failures
        from (
            select
                length,
                chain_no,
                unnest(places) as place,
                unnest(failures) as failed
            from growth
            where length < $max_length
                and budget is not null
        ) as begun
        inner join places
            on places.place = begun.place + begun.length and places.place_in_chat > begun.length
        group by
            begun.length,
            begun.chain_no,
            places.tool_no
    ) as longer
    inner join growth
        on growth.chain_no = longer.chain_no
    where longer.count >= $min_count
        and longer.runs >= $min_runs
),

-- where longer chains are left out, a row without tools says up to what length they were looked for
found as (
    select
        tool_nos,
        len(tool_nos) as length,
        count,
        runs,
        failed,
        null::bigint as cut
    from counted_chains
    union all
    select
        if(budget is null, null, tool_nos),
        if(budget is null, length - 1, length),
        if(budget is null, null, count),
        if(budget is null, null, runs),
        if(budget is null, null, failed),
        if(budget is null, length - 1, null) as cut
    from growth
    where $max_length > 5
        and length > 5
        and if(budget is null, chain_no = 1, length >= $min_length)
),

all_names as (
    select array_agg(tool_name order by tool_no) as names
    from names
)

select
    list_select(all_names.names, found.tool_nos) as tools,
    found.length,
    found.count,
    found.runs,
    found.failed,
    if(
        $max_length > 5,
        format('chains of more than {} calls left out: they are too many, or come too often', max(found.cut) over ()),
        null
    ) as note
from found
cross join all_names
qualify found.tool_nos is not null
    or found.length < $min_length
order by
    found.count desc,
    found.length desc,
    tools
