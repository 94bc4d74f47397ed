-- One row per ring group of the day, the busiest first.
SELECT
    member_id, member_name AS name,
    calls_offered AS offered, calls_answered AS answered, calls_answered_within_sla AS within, calls_abandoned AS abandoned,
    service_level AS level, calls_abandoned / nullif(calls_answered + calls_abandoned, 0) AS lost,
    average_speed_of_answer_s AS speed_s
FROM service_level
WHERE dimension = 'ring_group' AND calls_offered > 0
ORDER BY calls_offered DESC, member_id
