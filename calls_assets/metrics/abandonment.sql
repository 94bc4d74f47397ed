-- Whom do we lose. Callers who hung up within the vendor's short threshold are kept apart.
SELECT
    *,
    ratio(calls_abandoned, calls_answered + calls_abandoned) AS abandonment_rate,
    ratio(
        calls_abandoned + calls_short_abandoned, calls_answered + calls_abandoned + calls_short_abandoned
    ) AS abandonment_rate_incl_short,
    ratio(calls_abandoned, calls_offered) AS abandonment_rate_offered,
    ratio(calls_short_abandoned, calls_offered) AS short_abandonment_rate,
    wait_status_of(time_to_abandon_calls, calls_abandoned) AS wait_status,
    CASE WHEN wait_status = 'validated' THEN ratio(time_to_abandon_total_s, time_to_abandon_calls) END
        AS average_time_to_abandon_s
FROM members
JOIN statuses USING (local_date)
