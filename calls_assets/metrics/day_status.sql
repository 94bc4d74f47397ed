-- Whether a day can still move. `pulls` says of each day whether mornings will pull it again.
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
counted AS (
    SELECT
        local_date, 1 AS days, coalesce(calls, 0) AS calls, coalesce(calls_open, 0) AS calls_open,
        is_inside_lookback::BIGINT AS days_inside_lookback, coalesce(call_types_differing, 0) AS call_types_differing
    FROM pulls
    LEFT JOIN called USING (local_date)
    LEFT JOIN differing USING (local_date)
)
SELECT *, status_of(calls_open, days_inside_lookback, call_types_differing) AS status
FROM counted
