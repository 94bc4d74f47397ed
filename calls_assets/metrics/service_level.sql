-- Are we answering in time. The vendor says of each answered call whether it was within the threshold.
WITH waited AS (
    SELECT
        *,
        wait_status_of(wait_calls, calls_answered) AS wait_status,
        calls_abandoned + calls_short_abandoned AS abandons,
        CASE WHEN coalesce(wait_status_of(abandons_with_wait, abandons), 'validated') = 'validated'
            THEN abandons_within_threshold END AS calls_abandoned_within_threshold
    FROM members
)
SELECT
    *,
    common_threshold_s AS threshold_s,
    ratio(calls_answered_within_sla, calls_answered + calls_abandoned) AS service_level,
    ratio(calls_answered_within_sla, calls_answered) AS sl_answered_only,
    ratio(calls_answered_within_sla, calls_answered + abandons) AS sl_all_abandons,
    ratio(calls_answered_within_sla + calls_short_abandoned, calls_answered + abandons) AS sl_short_positive,
    ratio(calls_answered_within_sla, calls_offered) AS sl_offered,
    CASE WHEN wait_status = 'validated' THEN ratio(wait_total_s, wait_calls) END AS average_speed_of_answer_s,
    ratio(
        calls_answered_within_sla, calls_answered + abandons - calls_abandoned_within_threshold
    ) AS sl_abandon_within_threshold_ignored,
    ratio(
        calls_answered_within_sla + calls_abandoned_within_threshold, calls_answered + abandons
    ) AS sl_abandon_within_threshold_positive
FROM waited
JOIN statuses USING (local_date)
