-- One row per ring group of all the days together, the busiest first; of several names the latest day's.
SELECT
    member_id, arg_max(member_name, local_date) AS name,
    sum(calls_offered)::BIGINT AS offered, sum(calls_answered)::BIGINT AS answered,
    sum(calls_answered_within_sla)::BIGINT AS within, sum(calls_abandoned)::BIGINT AS abandoned
FROM service_level
WHERE dimension = 'ring_group' AND calls_offered > 0
GROUP BY member_id
ORDER BY offered DESC, member_id
