-- One row per half-hour of the day in which calls were offered, in order.
SELECT
    member_id::TIMESTAMP AS began, calls_offered AS offered, calls_answered AS answered,
    calls_answered_within_sla AS within, calls_abandoned AS abandoned,
    calls_abandoned / nullif(calls_answered + calls_abandoned, 0) AS lost,
    calls_offered - calls_answered - calls_abandoned AS other, service_level AS level
FROM service_level
WHERE dimension = 'half_hour' AND calls_offered > 0
ORDER BY began
