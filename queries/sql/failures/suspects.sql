-- Where did a failed run most likely go wrong, and whose mistake was it?
--
-- Parameters
--   run_id VARCHAR = NULL  one run; all runs where NULL, also those that are not known to have failed
--   top BIGINT = 3         suspects per run, at most; a message that nothing speaks against is none
--   status VARCHAR = NULL  one of: completed, failed, running, interrupted; all where NULL
--
-- Columns
--   run_id         the run; those that are said to have completed come last
--   rank           1 is the likeliest
--   agent_name     who wrote the message, or whose LLM call or marked step failed; NULL where that is no agent
--   message_order  its place among the messages of the run, from 0; NULL for a failure that no message tells of
--   evidence       all that speaks against the message, the weightiest first
--   suspicion      the weightiest of the evidence, by which the messages are ranked (of two alike the earlier is first);
--                  no proof: of 63 failed AG2 runs whose decisive mistake people had named, rank 1 was the right agent
--                  in 71 % and the right message in 49 %, and one of ranks 1 to 3 in 86 and 70 %. The rules were made
--                  with these runs and their labels at hand, so expect less of others: rank 1 in 71 and 48 % of the half
--                  with the lower numbers, in 72 and 50 % of the other; of 15 runs of Magentic-One, where a supervisor
--                  hands out the work, in 60 and 13 %
--   failed         code executions, tool calls and LLM calls of this message that failed
--   error          the first error among them
--   message        how the message begins; of one without words, the tools that it calls
--   event_id       its turn in execution_events, or the failure
with

-- What speaks against each message was found when the run came in, by ingest/derived/findings.sql. What the run was at when
-- it ended badly comes before all else.
suspects as (
    select
        findings.*,
        runs.status is not distinct from 'completed' as is_completed,
        case
            when findings.is_at_end is distinct from true then null
            when findings.message_order is not null and runs.status = 'interrupted'
                then 'waited for a tool when the run was cut off'
            when findings.message_order is null and runs.status in ('failed', 'interrupted') then 'the run ended with it'
        end as end_finding,
        if(end_finding is null, findings.weight, 0) as weight_with_end,
        row_number() over (
            partition by findings.run_id
            order by weight_with_end, findings.execution_order
        ) as rank
    from findings
    inner join runs
        on runs.run_id = findings.run_id
    where weight_with_end is not null
        and ($run_id is null or ingest.of_run(findings.run_id, findings.event_id, $run_id))
        and ($run_id is null or runs.run_id = $run_id)
        and ($status is null or runs.status = $status)
    qualify rank <= $top
)

select
    suspects.run_id,
    suspects.rank,
    suspects.agent_name,
    suspects.message_order,
    list_filter(
        list_prepend(suspects.end_finding, suspects.signs->>'$[*]'),
        lambda finding: finding is not null
    ) as evidence,
    evidence[1] as suspicion,
    suspects.failed,
    errors.error_message as error,
    coalesce(
        nullif(events.inputs->>'message', ''),
        'calls ' || nullif(array_to_string(events.outputs->>'$.tool_calls[*].function.name', ', '), '')
    ) as message,
    suspects.event_id
from suspects
left join execution_events as events
    on events.run_id = suspects.run_id
    and events.id = suspects.event_id
    and events.event_type = 'agent_call'
    and ($run_id is null or ingest.of_run(events.run_id, events.id, $run_id))
left join execution_events as errors
    on errors.run_id = suspects.run_id
    and errors.execution_order = suspects.error_order
    and ($run_id is null or ingest.of_run(errors.run_id, errors.id, $run_id))
order by
    suspects.is_completed,
    suspects.run_id,
    suspects.rank
