-- One row per ended inbound call and dimension, with how long the caller waited unless the call's ring group contradicts
-- that on the day (see wait_calibration). `threshold_s` is the vendor's: set, or found on enough calls of the day. Each
-- day has one more row, of no call, for its total.
WITH waits AS (
    SELECT
        calls.local_date, call_id,
        coalesce(own.agreement = 'contradicts', false) AS group_contradicts,
        coalesce(all_groups.agreement = 'contradicts', false) AS all_contradict,
        CASE WHEN NOT group_contradicts THEN wait_s END AS trusted_wait_s,
        coalesce(sla_threshold_s, CASE own.agreement WHEN 'agrees' THEN own.threshold_s END) AS threshold_s,
        coalesce(sla_threshold_s, CASE own.agreement WHEN 'agrees' THEN own.threshold_most_s END) AS threshold_most_s
    FROM calls
    LEFT JOIN wait_calibration AS own
        ON calls.local_date = own.local_date AND own.member_id = member_of(ring_group_id)
    LEFT JOIN wait_calibration AS all_groups
        ON calls.local_date = all_groups.local_date AND all_groups.member_id = '(all)'
    WHERE direction = 'inbound'
)
SELECT
    calls.local_date, dimension, member_id, member_name, calls.call_id, started_at, outcome, call_types, is_offered,
    is_answered_within_sla, speed_of_answer_s, wait_method, trusted_wait_s AS wait_s, threshold_s, threshold_most_s,
    group_contradicts OR (dimension = 'total' AND all_contradict) AS contradicts_wait
FROM calls_by_dimension AS calls
JOIN waits USING (local_date, call_id)
WHERE direction = 'inbound'
UNION ALL BY NAME
SELECT
    local_date, 'total' AS dimension, '(all)' AS member_id, '(all)' AS member_name, wait_method, false AS contradicts_wait
FROM days
