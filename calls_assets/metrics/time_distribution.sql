-- How long calls talk and wait, counted in fixed bins, which add up.
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
    SELECT local_date, direction, ring_group_id, measure, method, bin_of(seconds) AS up_to_s, count(*) AS calls
    FROM measured
    WHERE seconds IS NOT NULL
    GROUP BY ALL
)
SELECT
    binned.* EXCLUDE (method, calls), binned.calls,
    CASE WHEN binned.method IS NOT NULL THEN coalesce(wait_calibration.wait_status, 'unverified') END AS wait_status,
    day_status
FROM binned
JOIN statuses USING (local_date)
LEFT JOIN wait_calibration
    ON binned.local_date = wait_calibration.local_date AND binned.method = wait_calibration.method
    AND member_of(ring_group_id) = member_id
