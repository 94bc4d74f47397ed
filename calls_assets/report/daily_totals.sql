-- One row per day: what the page compares days by. Only counts and sums, so that days can be added up.
SELECT
    local_date, calls_offered, calls_answered, calls_answered_within_sla, calls_abandoned, calls_short_abandoned,
    CASE wait_status WHEN 'verified' THEN wait_calls ELSE 0 END AS wait_calls,
    CASE wait_status WHEN 'verified' THEN wait_total_s ELSE 0 END AS wait_total_s,
    coalesce(talk_s, 0)::BIGINT AS talk_s,
    coalesce(day_status, '') AS day_status
FROM service_level
LEFT JOIN (SELECT local_date, sum(talk_s) AS talk_s FROM agent_talk_time GROUP BY local_date) USING (local_date)
WHERE dimension = 'total'
ORDER BY local_date
