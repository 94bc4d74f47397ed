-- One row per direction, ring group, measure and bin: how long calls talk and wait, counted in the fixed bins of Amazon
-- Connect's service level, which add up. Ended calls only.
WITH measured AS (
    SELECT
        local_date, direction, ring_group_id,
        unnest([
            {measure: 'talk', method: NULL, seconds: CASE WHEN outcome = 'answered' THEN talk_s END},
            {
                measure: 'wait_leg_start', method: 'leg_start',
                seconds: CASE WHEN direction = 'inbound' THEN speed_of_answer_s END
            },
            {
                measure: 'wait_duration_less_talk', method: 'duration_less_talk',
                seconds: CASE WHEN direction = 'inbound' AND outcome = 'answered' THEN seconds_or_null(duration_s - talk_s) END
            },
            {
                measure: 'time_to_abandon', method: 'duration_less_talk',
                seconds: CASE WHEN direction = 'inbound' AND outcome IN ('abandoned', 'short_abandoned') THEN duration_s END
            }
        ], recursive := true)
    FROM calls
    WHERE is_ended
),
binned AS (
    SELECT
        local_date, direction, ring_group_id, measure, method,
        list_filter(
            [15, 20, 25, 30, 45, 60, 90, 120, 180, 240, 300, 600], lambda up_to_s: up_to_s >= seconds
        )[1]::BIGINT AS up_to_s,
        count(*) AS calls
    FROM measured
    WHERE seconds IS NOT NULL
    GROUP BY ALL
)
SELECT
    binned.local_date, direction, ring_group_id, measure, up_to_s, binned.calls,
    CASE WHEN binned.method IS NOT NULL THEN coalesce(wait_calibration.wait_status, 'unverified') END AS wait_status,
    status AS day_status
FROM binned
JOIN day_status USING (local_date)
LEFT JOIN wait_calibration
    ON binned.local_date = wait_calibration.local_date AND binned.method = wait_calibration.method
    AND member_of(ring_group_id) = member_id
