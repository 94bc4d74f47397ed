-- One row per agent of the day, the longest talk first; outside numbers and unattributed talk come last. Calls taken and missed are
-- inbound ones: an outbound call that nobody picks up was not missed by the agent.
SELECT
    agent_key,
    agent_id IS NULL AS is_nobody,
    CASE WHEN agent_id IS NULL THEN agent_key ELSE any_value(agent_alias) END AS name,
    coalesce(sum(talk_s) FILTER (direction = 'inbound'), 0)::BIGINT AS inbound_s,
    coalesce(sum(talk_s) FILTER (direction = 'outbound'), 0)::BIGINT AS outbound_s,
    coalesce(sum(calls_handled) FILTER (direction = 'inbound'), 0)::BIGINT AS taken,
    coalesce(sum(calls_missed) FILTER (direction = 'inbound'), 0)::BIGINT AS missed
FROM agent_talk_time
GROUP BY agent_key, agent_id
HAVING sum(talk_s) > 0 OR sum(calls_offered) > 0
ORDER BY is_nobody, sum(talk_s) DESC, agent_key
