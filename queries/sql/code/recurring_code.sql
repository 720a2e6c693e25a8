-- Which code was executed again and again, letter by letter?
--
-- Parameters
--   min_count BIGINT = 2  executions, at least
--   min_runs BIGINT = 1   runs that it appears in, at least
--
-- Columns
--   code_hash   names the code
--   language    its language
--   executions  how often it was executed
--   failed      how often it failed
--   runs        how many runs it appears in
--   agents      who wrote it
--   code        the code
select
    code_hash,
    any_value(language) as language,
    count(*) as executions,
    count(*) filter (where status = 'failed') as failed,
    count(distinct run_id) as runs,
    array_agg(distinct agent_name order by agent_name) as agents,
    any_value(code) as code
from code_execs
group by code_hash
having count(*) >= $min_count
    and count(distinct run_id) >= $min_runs
order by
    runs desc,
    executions desc,
    code_hash
