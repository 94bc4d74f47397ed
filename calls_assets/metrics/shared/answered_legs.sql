-- One row per answered leg of an ended call, in the order in which agents took over, with its share of the talk time.
-- The API says when a leg began but not when it ended. Each leg therefore owns the time until the next one begins, the
-- last one the rest; legs that begin together share their time in whole seconds, earlier ones in the list first.
WITH legs AS (
    SELECT
        local_date, id AS call_id, is_inbound, started_at AS call_start, seconds_or_null(talk_time) AS call_talk_s,
        unnest(answered_agents) AS leg, generate_subscripts(answered_agents, 1) AS position
    FROM raw_calls
    WHERE is_ended
),
started AS (
    SELECT
        *,
        CASE WHEN leg_start(leg.started_at) >= call_start - leg_start_tolerance_s() THEN leg_start(leg.started_at) END
            AS known_start
    FROM legs
    WHERE leg IS NOT NULL
),
filled AS (  -- a missing start takes the one before it in the list, or the first known one
    SELECT
        *,
        coalesce(last_value(known_start IGNORE NULLS) OVER earlier, first_value(known_start IGNORE NULLS) OVER whole) AS start,
        min(known_start) OVER (PARTITION BY local_date, call_id) AS first_start,
        count(*) OVER (PARTITION BY local_date, call_id) AS legs_of_call
    FROM started
    WINDOW
        earlier AS (PARTITION BY local_date, call_id ORDER BY position ROWS UNBOUNDED PRECEDING),
        whole AS (PARTITION BY local_date, call_id ORDER BY position
                  ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
),
placed AS (
    SELECT *, least(coalesce(start - first_start, 0), call_talk_s) AS offset_s
    FROM filled
),
grouped AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY local_date, call_id ORDER BY start, position) - 1 AS leg_number,
        count(*) OVER (PARTITION BY local_date, call_id, offset_s) AS sharers,
        row_number() OVER (PARTITION BY local_date, call_id, offset_s ORDER BY position) - 1 AS place,
        coalesce(
            min(offset_s) OVER (PARTITION BY local_date, call_id ORDER BY offset_s
                                RANGE BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING),
            call_talk_s
        ) - offset_s AS shared_s
    FROM placed
)
SELECT
    local_date, call_id, is_inbound, leg_number AS leg, leg.id AS agent_id, leg.alias AS agent_alias,
    coalesce(leg.is_any_transfer, false) AS is_transfer,
    leg_number = 0 AS is_first,
    leg_number = legs_of_call - 1 AS is_last,
    offset_s,
    CASE WHEN call_talk_s IS NOT NULL THEN shared_s // sharers + (place < shared_s % sharers)::BIGINT END AS talk_s,
    call_talk_s - offset_s AS talk_s_max,
    CASE
        WHEN coalesce(call_talk_s, 0) = 0 THEN 'no_talk'
        WHEN legs_of_call = 1 THEN 'exact_single'
        WHEN known_start IS NULL THEN 'start_missing'
        WHEN sharers > 1 THEN 'equal_split'
        ELSE 'handoff'
    END AS attribution,
    leg.hangup_reason AS hangup_reason
FROM grouped
