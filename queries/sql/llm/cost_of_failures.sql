-- How much is spent on work that failed, by agent?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--
-- Columns
--   agent_name     the agent; AG2's own agents, that choose the next speaker, too, as it is spent
--   executions     turns, and LLM calls that led to none
--   failed         how many of them failed: their model, their code or their tools
--   cost           US dollars of all LLM calls in them; cached calls apart, here and in what follows, as in runs
--   failed_cost    US dollars of those in failed ones
--   failed_share   share of its cost that went to failed ones
--   share_of_all   failed_cost as a share of the cost of all agents; their sum is the share that failed work took
--   failed_tokens  tokens of those in failed ones
with

executions as (
    select
        id,
        run_id,
        agent_name,
        failed_stage is not null as has_failed
    from ingest.executions_of($run_id)
),

costs_of_executions as (
    select
        calls.run_id,
        coalesce(events.parent_event_id, events.id) as execution_id,
        sum(if(calls.cached, 0, calls.total_tokens)) as total_tokens,
        sum(if(calls.cached, 0, calls.cost)) as cost
    from ingest.llm_calls as calls
    inner join execution_events as events
        on events.run_id = calls.run_id and events.id = calls.event_id
    where $run_id is null or calls.run_id = $run_id
    group by
        calls.run_id,
        coalesce(events.parent_event_id, events.id)
)

select
    executions.agent_name,
    count(*) as executions,
    count(*) filter (where executions.has_failed) as failed,
    round(sum(costs.cost), 10) as cost,
    round(coalesce(sum(costs.cost) filter (where executions.has_failed), 0), 10) as failed_cost,
    round(
        coalesce(sum(costs.cost) filter (where executions.has_failed), 0) / nullif(sum(costs.cost), 0), 10
    ) as failed_share,
    round(
        coalesce(sum(costs.cost) filter (where executions.has_failed), 0) / nullif(sum(sum(costs.cost)) over (), 0), 10
    ) as share_of_all,
    coalesce(sum(costs.total_tokens) filter (where executions.has_failed), 0)::bigint as failed_tokens
from executions
left join costs_of_executions as costs
    on costs.run_id = executions.run_id and costs.execution_id = executions.id
group by executions.agent_name
order by
    failed_cost desc,
    failed desc,
    executions.agent_name
