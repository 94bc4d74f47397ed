-- One row per direction, ring group, measure and bin: how long calls talk and callers wait, counted in the fixed bins of
-- Amazon Connect's service level, which add up. Ended calls only; waits only of ring groups that do not contradict them on
-- the day (see wait_calibration).
WITH measured AS (
    SELECT
        local_date, direction, ring_group_id,
        unnest([
            {measure: 'talk', seconds: CASE outcome WHEN 'answered' THEN talk_s END},
            {measure: 'wait', seconds: CASE outcome WHEN 'answered' THEN wait_s END},
            {
                measure: 'time_to_abandon',
                seconds: CASE WHEN outcome IN ('abandoned', 'short_abandoned') THEN wait_s END
            }
        ], recursive := true)
    FROM calls
    WHERE is_ended
),
binned AS (
    SELECT
        local_date, direction, ring_group_id, measure,
        list_filter(
            [15, 20, 25, 30, 45, 60, 90, 120, 180, 240, 300, 600], lambda up_to_s: up_to_s >= seconds
        )[1]::BIGINT AS up_to_s,
        count(*) AS calls
    FROM measured
    WHERE seconds IS NOT NULL
    GROUP BY ALL
)
SELECT
    binned.local_date, direction, ring_group_id, name AS ring_group_name, measure, up_to_s, binned.calls,
    status AS day_status
FROM binned
JOIN day_status USING (local_date)
LEFT JOIN latest_names
    ON (binned.local_date, 'ring_group', ring_group_id) = (latest_names.local_date, latest_names.dimension, latest_names.id)
LEFT JOIN wait_calibration
    ON binned.local_date = wait_calibration.local_date AND member_of(ring_group_id) = member_id
WHERE measure = 'talk' OR agreement IS DISTINCT FROM 'contradicts'
