-- One row per half-hour, agent, direction and ring group: when who talks. Ended calls that began on the day; talk is cut
-- at the half-hours' borders, and each leg is taken to talk from its start on without a pause.
WITH legs AS (
    SELECT
        call_agents.*, ring_group_id, epoch_s(interval_start) AS at_s, utc_offset_s,
        agent_key NOT IN ('external', 'unattributed') AS is_agent,
        talk_begin_s(started_at, speed_of_answer_s) + coalesce(offset_s, 0) AS talk_began_s
    FROM call_agents
    JOIN (
        SELECT local_date, call_id, ring_group_id, interval_start, utc_offset_s, started_at, speed_of_answer_s FROM calls
    ) USING (local_date, call_id)
),
pieces AS (
    SELECT
        local_date, agent_key, direction, ring_group_id,
        unnest(half_hours(talk_began_s, talk_s, utc_offset_s), recursive := true)
    FROM legs
    WHERE talk_s > 0
),
parts AS (
    SELECT
        local_date, at_s, agent_key, direction, ring_group_id,
        count(DISTINCT call_id) FILTER (is_agent) AS calls_offered,
        count(DISTINCT call_id) FILTER (is_agent AND answered) AS calls_handled,
        coalesce(sum(talk_s), 0) AS talk_s_by_start, 0 AS talk_s_in_interval
    FROM legs
    GROUP BY local_date, at_s, agent_key, direction, ring_group_id
    UNION ALL
    SELECT local_date, at_s, agent_key, direction, ring_group_id, 0, 0, 0, sum(end_s - begin_s)
    FROM pieces
    GROUP BY local_date, at_s, agent_key, direction, ring_group_id
),
booked AS (
    SELECT
        local_date, at_s, agent_key, direction, ring_group_id,
        sum(calls_offered) AS calls_offered, sum(calls_handled) AS calls_handled,
        sum(talk_s_by_start) AS talk_s_by_start, sum(talk_s_in_interval) AS talk_s_in_interval
    FROM parts
    GROUP BY local_date, at_s, agent_key, direction, ring_group_id
),
agents AS (
    SELECT
        local_date, agent_key, any_value(agent_id) AS agent_id,
        arg_max(agent_alias, {call: call_id, leg: leg}) AS agent_alias
    FROM call_agents
    GROUP BY local_date, agent_key
)
SELECT
    booked.local_date, instant(at_s) AS interval_start, wall_clock(at_s, utc_offset_s) AS interval_start_local,
    agent_key, agent_id, agent_alias, direction, ring_group_id, name AS ring_group_name,
    calls_offered, calls_handled, talk_s_by_start, talk_s_in_interval, status AS day_status
FROM booked
ASOF JOIN utc_offsets ON at_s >= from_s
JOIN agents USING (local_date, agent_key)
JOIN day_status USING (local_date)
LEFT JOIN latest_names
    ON (booked.local_date, 'ring_group', ring_group_id) = (latest_names.local_date, latest_names.dimension, latest_names.id)
