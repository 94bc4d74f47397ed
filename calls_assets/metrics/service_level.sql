-- One row per member of a dimension: are we answering in time. Ended inbound calls only; the vendor says of each
-- answered call whether it was within its threshold. A answered, W of these within the threshold, B abandoned, S
-- short-abandoned. The variants differ in what they make of callers who hang up: ICMI, "Service Level Calculations",
-- formulas 1 to 5; the headline is Genesys' without short abandons, sl_incl_overflowed the same with flow-outs, and
-- sl_offered_excl_short Talkdesk's.
WITH counted AS (
    SELECT
        local_date, dimension, member_id, latest_name(member_name, started_at, call_id) AS member_name,
        count(*) FILTER (is_offered) AS calls_offered,
        count(*) FILTER (outcome = 'answered') AS calls_answered,
        count(*) FILTER (outcome = 'answered' AND is_answered_within_sla) AS calls_answered_within_sla,
        count(*) FILTER (outcome = 'abandoned') AS calls_abandoned,
        count(*) FILTER (outcome = 'short_abandoned') AS calls_short_abandoned,
        count(*) FILTER (outcome = 'overflowed') AS calls_overflowed,
        count(*) FILTER (outcome = 'callback_requested') AS calls_callback_requested,
        count(*) FILTER (outcome = 'unanswered_other') AS calls_unanswered_other,
        count(speed_of_answer_s) AS speed_of_answer_calls,
        coalesce(sum(speed_of_answer_s), 0) AS speed_of_answer_total_s,
        count(wait_s) FILTER (outcome = 'answered') AS wait_calls,
        coalesce(sum(wait_s) FILTER (outcome = 'answered'), 0) AS wait_total_s,
        max(wait_s) AS highest_wait_s,
        common_method(inbound_by_dimension.wait_method) AS wait_method,
        wait_status_of(inbound_by_dimension.wait_method, contradicts_wait) AS wait_status,
        max(threshold_s) FILTER (outcome = 'answered') AS highest_threshold_s,
        min(threshold_most_s) FILTER (outcome = 'answered') AS lowest_threshold_most_s,
        calls_abandoned + calls_short_abandoned AS abandons,
        count(*) FILTER (outcome IN ('abandoned', 'short_abandoned') AND wait_s <= threshold_s) AS early_abandons,
        count(wait_s + threshold_s) FILTER (outcome IN ('abandoned', 'short_abandoned')) AS known_abandons
    FROM inbound_by_dimension
    GROUP BY local_date, dimension, member_id
),
judged AS (
    SELECT
        *,
        CASE WHEN wait_status = 'verified' AND are_mostly_known(known_abandons, abandons)
            THEN early_abandons END AS calls_abandoned_within_threshold
    FROM counted
)
SELECT
    local_date, dimension, member_id, member_name,
    calls_offered, calls_answered, calls_answered_within_sla, calls_abandoned, calls_short_abandoned, calls_overflowed,
    calls_callback_requested, calls_unanswered_other,
    ratio(calls_answered_within_sla, calls_answered + calls_abandoned) AS service_level,
    ratio(calls_answered_within_sla, calls_answered) AS sl_answered_only,
    ratio(calls_answered_within_sla, calls_answered + abandons) AS sl_all_abandons,
    ratio(calls_answered_within_sla + calls_short_abandoned, calls_answered + abandons) AS sl_short_positive,
    ratio(calls_answered_within_sla, calls_offered) AS sl_offered,
    speed_of_answer_calls, speed_of_answer_total_s,
    CASE WHEN wait_status = 'verified' AND are_mostly_known(wait_calls, calls_answered) THEN ratio(wait_total_s, wait_calls) END
        AS average_speed_of_answer_s,
    CASE wait_status WHEN 'verified' THEN highest_wait_s END AS longest_wait_s,
    wait_calls, wait_total_s, wait_method, wait_status,
    CASE WHEN highest_threshold_s <= coalesce(lowest_threshold_most_s, highest_threshold_s) THEN highest_threshold_s END
        AS threshold_s,  -- only where one threshold fits all ring groups
    calls_abandoned_within_threshold,
    ratio(
        calls_answered_within_sla, calls_answered + abandons - calls_abandoned_within_threshold
    ) AS sl_abandon_within_threshold_ignored,
    ratio(
        calls_answered_within_sla + calls_abandoned_within_threshold, calls_answered + abandons
    ) AS sl_abandon_within_threshold_positive,
    ratio(calls_answered_within_sla, calls_offered - calls_short_abandoned) AS sl_offered_excl_short,
    ratio(calls_answered_within_sla, calls_answered + calls_abandoned + calls_overflowed) AS sl_incl_overflowed,
    ratio(calls_answered, calls_offered) AS answer_rate,
    ratio(calls_overflowed, calls_offered) AS overflow_rate,
    status AS day_status
FROM judged
JOIN day_status USING (local_date)
