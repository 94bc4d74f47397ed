-- One row per day: whether its figures can still move. `pulls` says of each day whether a morning's run will pull it
-- again.
WITH called AS (
    SELECT local_date, count(*) AS calls, count(*) FILTER (NOT is_ended) AS calls_open FROM calls GROUP BY local_date
),
differing AS (
    SELECT local_date, count(DISTINCT call_type) AS call_types_differing
    FROM (
        SELECT local_date, call_type FROM reconciliation WHERE difference <> 0
        UNION ALL
        SELECT local_date, call_type FROM reconciliation_calls
    )
    GROUP BY local_date
),
unread AS (
    SELECT local_date, count(*) AS records_unread
    FROM (
        SELECT local_date FROM rejected_calls
        UNION ALL
        SELECT local_date FROM raw_calls
        WHERE is_inbound IS NULL OR is_ended IS NULL OR (is_ended AND is_answered IS NULL)
            OR (is_inbound AND is_ended AND is_answered AND is_answered_within_sla IS NULL)
    )
    GROUP BY local_date
),
counted AS (
    SELECT
        local_date, 1 AS days, coalesce(calls, 0) AS calls, coalesce(calls_open, 0) AS calls_open,
        is_inside_lookback::BIGINT AS days_inside_lookback, coalesce(call_types_differing, 0) AS call_types_differing,
        coalesce(records_unread, 0) AS records_unread
    FROM pulls
    LEFT JOIN called USING (local_date)
    LEFT JOIN differing USING (local_date)
    LEFT JOIN unread USING (local_date)
)
SELECT
    local_date, days, calls, calls_open, days_inside_lookback, call_types_differing, records_unread,
    status_of(calls, calls_open, days_inside_lookback, call_types_differing, records_unread) AS status
FROM counted
