-- One row per member of a dimension: whom do we lose. Ended inbound calls only. Callers who hung up within the vendor's
-- short threshold are kept apart. A answered, B abandoned, S short-abandoned. The headline leaves short abandons out of both
-- sides, as Google CCAI does; the rate of offered calls and the time to abandon are Amazon Connect's. Calls that were
-- never offered, because they ended in the menu or came out of hours, are shares of all inbound calls.
WITH counted AS (
    SELECT
        local_date, dimension, member_id, latest_name(member_name, started_at, call_id) AS member_name,
        count(*) FILTER (is_offered) AS calls_offered,
        count(*) FILTER (outcome = 'answered') AS calls_answered,
        count(*) FILTER (outcome = 'abandoned') AS calls_abandoned,
        count(*) FILTER (outcome = 'short_abandoned') AS calls_short_abandoned,
        count(*) FILTER (outcome = 'abandoned' AND list_contains(call_types, 'abandoned_distributed'))
            AS calls_abandoned_distributed,
        count(call_id) AS calls_inbound,
        count(*) FILTER (outcome = 'ivr_exit') AS calls_ivr_exit,
        count(*) FILTER (outcome = 'out_of_hours') AS calls_out_of_hours,
        count(wait_s) FILTER (outcome = 'abandoned') AS time_to_abandon_calls,
        coalesce(sum(wait_s) FILTER (outcome = 'abandoned'), 0) AS time_to_abandon_total_s,
        wait_status_of(wait_method, contradicts_wait) AS wait_status
    FROM inbound_by_dimension
    GROUP BY local_date, dimension, member_id
)
SELECT
    local_date, dimension, member_id, member_name,
    calls_offered, calls_answered, calls_abandoned, calls_short_abandoned, calls_abandoned_distributed,
    ratio(calls_abandoned, calls_answered + calls_abandoned) AS abandonment_rate,
    ratio(
        calls_abandoned + calls_short_abandoned, calls_answered + calls_abandoned + calls_short_abandoned
    ) AS abandonment_rate_incl_short,
    ratio(calls_abandoned, calls_offered) AS abandonment_rate_offered,
    ratio(calls_short_abandoned, calls_offered) AS short_abandonment_rate,
    time_to_abandon_calls, time_to_abandon_total_s,
    CASE WHEN wait_status = 'verified' AND are_mostly_known(time_to_abandon_calls, calls_abandoned)
        THEN ratio(time_to_abandon_total_s, time_to_abandon_calls) END
        AS average_time_to_abandon_s,
    wait_status,
    calls_inbound, calls_ivr_exit, calls_out_of_hours,
    ratio(calls_ivr_exit, calls_inbound) AS ivr_exit_rate,
    ratio(calls_out_of_hours, calls_inbound) AS out_of_hours_rate,
    status AS day_status
FROM counted
JOIN day_status USING (local_date)
