-- One row per agent and direction: who talks how long. Ended calls only. 'external' and 'unattributed' own talk time
-- but count in no call count. Handled and answered first are Genesys' Handle and Answered; answered_legs says how talk is
-- shared between agents.
WITH legs AS (
    SELECT *, agent_key NOT IN ('external', 'unattributed') AS is_agent
    FROM call_agents
)
SELECT
    local_date, agent_key, any_value(agent_id) AS agent_id, arg_max(agent_alias, {call: call_id, leg: leg}) AS agent_alias,
    direction,
    count(DISTINCT call_id) FILTER (is_agent) AS calls_offered,
    count(DISTINCT call_id) FILTER (is_agent AND answered) AS calls_handled,
    count(*) FILTER (is_agent AND is_first) AS calls_answered_first,
    count(*) FILTER (is_agent AND is_last) AS calls_answered_last,
    calls_offered - calls_handled AS calls_missed,
    count(*) FILTER (is_agent AND answered AND is_transfer) AS transfers_in,
    coalesce(sum(talk_s), 0) AS talk_s,
    coalesce(sum(talk_s_max), 0) AS talk_s_max,
    count(DISTINCT call_id) FILTER (is_agent AND answered AND legs.talk_s IS NOT NULL) AS talk_calls,
    ratio(sum(legs.talk_s), talk_calls) AS average_talk_s,
    any_value(status) AS day_status
FROM legs
JOIN day_status USING (local_date)
GROUP BY local_date, agent_key, direction
