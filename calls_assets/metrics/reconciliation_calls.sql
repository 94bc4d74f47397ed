-- One row per call type and call that only the API or only we count under it. A call type whose count agrees over the
-- whole request window has none: the API was not asked for its ids.
WITH compared AS (
    SELECT local_date, call_type
    FROM reconciliation
    WHERE difference <> 0 OR (
        difference = 0 AND (local_date, call_type) IN (SELECT (local_date, call_type) FROM raw_call_types)
    )
),
ours AS (SELECT local_date, call_type, call_id, 'us' AS counted_by FROM field_call_types),
theirs AS (SELECT local_date, call_type, call_id, 'api' AS counted_by FROM raw_call_types)
SELECT local_date, call_type, call_id, coalesce(theirs.counted_by, ours.counted_by) AS counted_by
FROM ours
FULL JOIN theirs USING (local_date, call_type, call_id)
WHERE (ours.call_id IS NULL OR theirs.call_id IS NULL) AND (local_date, call_type) IN (SELECT (local_date, call_type) FROM compared)
