-- One row per agent of all the days together, the longest talk first; outside numbers and unattributed talk come last. A day
-- counts if the agent took a call on it. Calls missed are inbound ones, as on a day's page.
SELECT
    agent_key,
    agent_id IS NULL AS is_nobody,
    CASE WHEN agent_id IS NULL THEN agent_key ELSE arg_max(agent_alias, local_date) END AS name,
    count(DISTINCT local_date) FILTER (calls_handled > 0) AS days,
    sum(talk_s)::BIGINT AS talk_s,
    sum(calls_handled)::BIGINT AS handled,
    sum(talk_s) FILTER (talk_calls > 0) / nullif(sum(talk_calls), 0) AS average_talk_s,
    coalesce(sum(calls_missed) FILTER (direction = 'inbound'), 0)::BIGINT AS missed
FROM agent_talk_time
GROUP BY agent_key, agent_id
HAVING sum(talk_s) > 0 OR sum(calls_offered) > 0
ORDER BY is_nobody, talk_s DESC, agent_key
