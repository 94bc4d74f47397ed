-- One row per half-hour, agent and direction: when who talks. Ended calls that began on the day; talk is cut at the
-- half-hours' borders, and each leg is taken to talk from its start on without a pause.
WITH legs AS (
    SELECT
        call_agents.*, interval_start, utc_offset_s, agent_key NOT IN ('external', 'unattributed') AS is_agent,
        talk_begin_s(started_at, speed_of_answer_s) + coalesce(offset_s, 0) AS talk_began_s
    FROM call_agents
    JOIN (SELECT local_date, call_id, interval_start, utc_offset_s, started_at, speed_of_answer_s FROM calls)
        USING (local_date, call_id)
),
pieces AS (
    SELECT
        local_date, agent_key, agent_id, direction,
        unnest(half_hours(talk_began_s, talk_s, utc_offset_s), recursive := true)
    FROM legs
    WHERE talk_s > 0
),
parts AS (
    SELECT
        local_date, interval_start, agent_key, agent_id, direction,
        count(DISTINCT call_id) FILTER (is_agent) AS calls_offered,
        count(DISTINCT call_id) FILTER (is_agent AND answered) AS calls_handled,
        coalesce(sum(talk_s), 0) AS talk_s_by_start, 0 AS talk_s_in_interval
    FROM legs
    GROUP BY local_date, interval_start, agent_key, agent_id, direction
    UNION ALL
    SELECT
        local_date, instant(at_s)::TIMESTAMPTZ AS interval_start, agent_key, agent_id, direction,
        0, 0, 0, sum(end_s - begin_s)
    FROM pieces
    GROUP BY local_date, at_s, agent_key, agent_id, direction
)
SELECT
    local_date, interval_start, agent_key, agent_id, direction,
    sum(calls_offered) AS calls_offered, sum(calls_handled) AS calls_handled,
    sum(talk_s_by_start) AS talk_s_by_start, sum(talk_s_in_interval) AS talk_s_in_interval,
    any_value(status) AS day_status
FROM parts
JOIN day_status USING (local_date)
GROUP BY local_date, interval_start, agent_key, agent_id, direction
