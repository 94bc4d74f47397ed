-- One row per call type: the API's count beside ours. `asked` says how the API answered for a type: 'labelled' (its
-- calls by id), 'settled' (its count equals ours over the whole request window), 'refused' or 'not_asked'.
WITH ours AS (SELECT local_date, call_type, count(*) AS calls FROM field_call_types GROUP BY ALL),
theirs AS (SELECT local_date, call_type, count(*) AS calls FROM raw_call_types GROUP BY ALL),
compared AS (
    SELECT
        local_date, call_type,
        CASE WHEN told_by_fields THEN coalesce(ours.calls, 0) END AS our_calls,
        CASE how WHEN 'labelled' THEN coalesce(theirs.calls, 0) WHEN 'settled' THEN our_calls END AS api_calls
    FROM days
    CROSS JOIN asked
    LEFT JOIN ours USING (local_date, call_type)
    LEFT JOIN theirs USING (local_date, call_type)
)
SELECT local_date, call_type, api_calls, our_calls, api_calls - our_calls AS difference
FROM compared
