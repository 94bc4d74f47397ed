-- One row per day and half-hour in which calls were offered, in order.
SELECT
    local_date, member_id::TIMESTAMP AS began,
    calls_offered AS offered, calls_answered AS answered, calls_answered_within_sla AS within, calls_abandoned AS abandoned
FROM service_level
WHERE dimension = 'half_hour' AND calls_offered > 0
ORDER BY local_date, began
