-- One row per half-hour and ring group of the day in which inbound calls were answered or abandoned.
SELECT
    interval_start AS start, ring_group_id, coalesce(ring_group_id::VARCHAR, '(none)') AS member,
    sum(calls_answered_within_sla)::BIGINT AS within, sum(calls_abandoned)::BIGINT AS abandoned,
    sum(calls_answered + calls_abandoned)::BIGINT AS counted
FROM call_intervals
WHERE direction = 'inbound'
GROUP BY ALL
HAVING counted > 0
ORDER BY ALL
