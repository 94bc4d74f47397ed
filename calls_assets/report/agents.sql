-- The day's agents, the longest talk first; what an outside number or nobody known talked stands at the end.
SELECT
    agent_id IS NULL AS is_nobody,
    CASE WHEN agent_id IS NULL THEN agent_key ELSE coalesce(any_value(agent_alias), agent_key) END AS agent,
    coalesce(sum(talk_s) FILTER (direction = 'inbound'), 0)::BIGINT AS inbound_s,
    coalesce(sum(talk_s) FILTER (direction = 'outbound'), 0)::BIGINT AS outbound_s,
    sum(calls_handled)::BIGINT AS handled,
    sum(calls_missed)::BIGINT AS missed
FROM agent_talk_time
GROUP BY agent_key, agent_id
HAVING sum(talk_s) > 0 OR sum(calls_offered) > 0
ORDER BY is_nobody, sum(talk_s) DESC, agent_key
