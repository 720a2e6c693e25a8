-- Who speaks directly after whom in a chat, and how likely is it?
--
-- Parameters
--   run_id VARCHAR = NULL   one run; all runs where NULL
--   min_count BIGINT = 1    how often, at least
--   repeats BOOLEAN = true  also of agents that speak several times in a row
--
-- Columns
--   from_agent   who spoke; NULL where the message names nobody; pairs of two such messages are left out
--   to_agent     who spoke next in the same chat; a nested chat is one of its own; NULL as above
--   count        how often
--   runs         in how many runs
--   probability  share of from_agent's turns with a next turn that went to to_agent
--   median_ms    median time from the one's message to the other's, where the source carries times that go forward
with

turns as (
    select
        run_id,
        chat,
        agent_name,
        said_at,
        place
    from ingest.turns
    where $run_id is null or ingest.of_run(run_id, event_id, $run_id)
),

pairs as (
    select
        run_id,
        agent_name as from_agent,
        lead(agent_name) over chat_order as to_agent,
        date_diff('microsecond', said_at, lead(said_at) over chat_order) / 1000 as wait_ms,
        lead(place) over chat_order is not null as is_followed
    from turns
    window chat_order as (partition by run_id, chat order by place)
),

handoffs as (
    select
        from_agent,
        to_agent,
        count(*) as count,
        len(list_distinct(array_agg(run_id))) as runs,
        median(wait_ms) filter (where wait_ms >= 0) as median_ms
    from pairs
    where is_followed
        and ($repeats or from_agent is distinct from to_agent)
    group by
        from_agent,
        to_agent
),

handoffs_with_probability as (
    select
        from_agent,
        to_agent,
        count,
        runs,
        count / sum(count) over (partition by from_agent) as probability,
        median_ms
    from handoffs
)

select *
from handoffs_with_probability
where count >= $min_count
    and coalesce(from_agent, to_agent) is not null
order by
    count desc,
    from_agent,
    to_agent
