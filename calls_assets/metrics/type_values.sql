-- One row per value of `type` and call type that calls have together, or with all calls. Ended calls only.
WITH paired AS (
    SELECT local_date, unnest([coalesce(type, '(none)'), '(all)']) AS type, list_append(call_types, '(all)') AS call_types
    FROM calls
    WHERE is_ended
)
SELECT local_date, type, call_type, count(*) AS calls
FROM (SELECT local_date, type, unnest(call_types) AS call_type FROM paired)
GROUP BY ALL
