-- One row per ended inbound call and dimension, with how long the caller waited where an estimate of that is validated
-- for the call's ring group (see wait_calibration). Of two validated estimates the one with fewer errors is taken, and
-- of equals the duration less the talk: a leg may begin to ring before the answer. Each day has one more row, of no
-- call, for its total.
WITH validated AS (
    SELECT local_date, member_id, method, threshold_s, threshold_most_s, error_rate
    FROM wait_calibration
    WHERE wait_status = 'validated'
),
estimated AS (
    SELECT
        calls.local_date, call_id, speed_of_answer_s,
        CASE WHEN outcome = 'answered' THEN duration_s - talk_s ELSE duration_s END AS remainder_s,
        leg.threshold_s AS leg_threshold_s, leg.threshold_most_s AS leg_threshold_most_s,
        remainder.threshold_s AS remainder_threshold_s, remainder.threshold_most_s AS remainder_threshold_most_s,
        remainder.threshold_s IS NOT NULL AND remainder_s >= 0 AS remainder_known,
        outcome = 'answered' AND leg.threshold_s IS NOT NULL AND speed_of_answer_s IS NOT NULL
            AND (NOT remainder_known OR leg.error_rate < remainder.error_rate) AS by_leg
    FROM calls
    LEFT JOIN validated AS leg
        ON calls.local_date = leg.local_date AND member_of(ring_group_id) = leg.member_id
        AND leg.method = 'leg_start'
    LEFT JOIN validated AS remainder
        ON calls.local_date = remainder.local_date AND member_of(ring_group_id) = remainder.member_id
        AND remainder.method = 'duration_less_talk'
    WHERE direction = 'inbound' AND outcome IN ('answered', 'abandoned', 'short_abandoned')
),
waits AS (
    SELECT
        local_date, call_id,
        CASE WHEN by_leg THEN speed_of_answer_s WHEN remainder_known THEN remainder_s END AS wait_s,
        CASE WHEN by_leg THEN leg_threshold_s WHEN remainder_known THEN remainder_threshold_s END AS threshold_s,
        CASE WHEN by_leg THEN leg_threshold_most_s WHEN remainder_known THEN remainder_threshold_most_s END AS threshold_most_s,
        CASE WHEN by_leg THEN 'leg_start' WHEN remainder_known THEN 'duration_less_talk' END AS wait_method
    FROM estimated
)
SELECT
    calls.local_date, dimension, member_id, member_name, calls.call_id, started_at, outcome, call_types, is_offered,
    is_answered_within_sla, speed_of_answer_s, wait_s, wait_method, threshold_s, threshold_most_s
FROM calls_by_dimension AS calls
LEFT JOIN waits USING (local_date, call_id)
WHERE direction = 'inbound'
UNION ALL BY NAME
SELECT local_date, 'total' AS dimension, '(all)' AS member_id, '(all)' AS member_name FROM days
