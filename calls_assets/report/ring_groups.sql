-- The day's ring groups, the busiest first.
WITH named AS (
    SELECT *, coalesce(nullif(trim(member_name), ''), '(no name)') AS shown
    FROM service_level
    WHERE dimension = 'ring_group' AND calls_offered > 0
)
SELECT
    CASE WHEN count(*) OVER (PARTITION BY shown) > 1 THEN shown || ' (' || member_id || ')' ELSE shown END AS name,
    calls_offered AS offered, calls_answered AS answered, calls_answered_within_sla AS within, calls_abandoned AS abandoned,
    service_level AS level, calls_abandoned / nullif(calls_answered + calls_abandoned, 0) AS lost,
    average_speed_of_answer_s AS speed_s
FROM named
ORDER BY calls_offered DESC, member_id
