-- One row per ring group, and per half-hour by its local clock, of the days read in which inbound calls were answered or
-- abandoned: what is usual there.
SELECT
    dimension, CASE dimension WHEN 'half_hour' THEN left(member_name, 5) ELSE member_id END AS member,
    sum(calls_answered_within_sla)::BIGINT AS within, sum(calls_answered + calls_abandoned)::BIGINT AS counted
FROM service_level
WHERE dimension IN ('ring_group', 'half_hour')
GROUP BY ALL
HAVING counted > 0
