-- Which code was executed again and again?
--
-- Parameters
--   by VARCHAR = 'text'    one of: text, syntax; letter by letter, or with other names, texts and comments too
--   run_id VARCHAR = NULL  one run; all runs where NULL
--   min_count BIGINT = 2   executions, at least
--   min_runs BIGINT = 1    runs that it appears in, at least
--
-- Columns
--   code_hash   names the code, or its normalised syntax
--   language    its language (py and python are one, and so are the names of shells)
--   executions  how often it was executed
--   failed      how often the execution failed that it was a block of
--   runs        how many runs it appears in
--   variants    how many different texts it has
--   agents      who wrote it
--   code        the code; one of its texts
--
-- Example
--   by = 'syntax'
select
    if($by = 'syntax', code_normal_hash, code_hash) as code_hash,
    ingest.language(language) as language,
    count(*) as executions,
    count(*) filter (where status = 'failed') as failed,
    count(distinct run_id) as runs,
    count(distinct code_execs.code_hash) as variants,
    array_agg(distinct agent_name order by agent_name) as agents,
    min(code) as code
from code_execs
where ($run_id is null or ingest.of_run(run_id, event_id, $run_id))
    and if($by = 'syntax', code_normal_hash, code_execs.code_hash) is not null
group by
    if($by = 'syntax', code_normal_hash, code_execs.code_hash),
    ingest.language(code_execs.language)
having count(*) >= $min_count
    and count(distinct run_id) >= $min_runs
order by
    runs desc,
    executions desc,
    code_hash,
    language
