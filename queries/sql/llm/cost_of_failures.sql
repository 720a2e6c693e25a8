-- How much is spent on work that failed, by agent?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL
--
-- Columns
--   agent_name     the agent; AG2's own agents, that choose the next speaker, too, as it is spent
--   executions     turns, also those without words, and LLM calls and exceptions that belong to none
--   failed         how many of them failed: an exception, their model, their code or their tools
--   cost           US dollars of all LLM calls in them; cached calls apart, here and in what follows, as in runs
--   failed_cost    US dollars of those in failed ones
--   failed_share   share of its cost that went to failed ones
--   share_of_all   failed_cost as a share of the cost of all agents; their sum is the share that failed work took
--   failed_tokens  tokens of those in failed ones
select
    agent_name,
    count(*) as executions,
    count(failed_stage) as failed,
    round(fsum(cost), 10) as cost,
    round(coalesce(fsum(cost) filter (where failed_stage is not null), 0), 10) as failed_cost,
    round(coalesce(fsum(cost) filter (where failed_stage is not null), 0) / nullif(fsum(cost), 0), 10) as failed_share,
    round(
        coalesce(fsum(cost) filter (where failed_stage is not null), 0) / nullif(fsum(fsum(cost)) over (), 0), 10
    ) as share_of_all,
    coalesce(sum(total_tokens) filter (where failed_stage is not null), 0)::bigint as failed_tokens
from executions
where $run_id is null or ingest.of_run(run_id, id, $run_id)
group by agent_name
order by
    failed_cost desc,
    failed desc,
    agent_name
