-- Ended inbound calls counted by outcome for every member of every dimension. Each dimension's counts sum to the total's.
WITH inbound AS (
    SELECT
        sliced.local_date, dimension, member_id, member_name, sliced.call_id, started_at, outcome, is_answered_within_sla,
        speed_of_answer_s, wait_s, threshold_s, threshold_most_s, wait_method,
        list_contains(call_types, 'abandoned_distributed') AS is_distributed
    FROM sliced
    LEFT JOIN waits USING (local_date, call_id)
    WHERE direction = 'inbound'
    UNION ALL BY NAME  -- a day without calls has its total too
    SELECT local_date, 'total' AS dimension, '(all)' AS member_id, '(all)' AS member_name FROM days
)
SELECT
    local_date, dimension, member_id,
    coalesce(
        arg_max(member_name, {began: started_at, call: call_id}) FILTER (call_id IS NOT NULL), any_value(member_name)
    ) AS member_name,
    count(*) FILTER (outcome = 'answered') AS calls_answered,
    count(*) FILTER (outcome = 'answered' AND is_answered_within_sla) AS calls_answered_within_sla,
    count(*) FILTER (outcome = 'abandoned') AS calls_abandoned,
    count(*) FILTER (outcome = 'abandoned' AND is_distributed) AS calls_abandoned_distributed,
    count(*) FILTER (outcome = 'short_abandoned') AS calls_short_abandoned,
    count(*) FILTER (outcome = 'overflowed') AS calls_overflowed,
    count(*) FILTER (outcome = 'callback_requested') AS calls_callback_requested,
    count(*) FILTER (outcome = 'unanswered_other') AS calls_unanswered_other,
    calls_answered + calls_abandoned + calls_short_abandoned + calls_overflowed + calls_callback_requested
        + calls_unanswered_other AS calls_offered,
    count(speed_of_answer_s) AS speed_of_answer_calls,
    coalesce(sum(speed_of_answer_s), 0) AS speed_of_answer_total_s,
    count(wait_s) FILTER (outcome = 'answered') AS wait_calls,
    coalesce(sum(wait_s) FILTER (outcome = 'answered'), 0) AS wait_total_s,
    CASE count(DISTINCT wait_method) FILTER (outcome = 'answered')
        WHEN 1 THEN any_value(wait_method) FILTER (outcome = 'answered')
        WHEN 2 THEN 'both'
    END AS wait_method,
    CASE
        WHEN max(threshold_s) FILTER (outcome = 'answered')
            <= coalesce(min(threshold_most_s) FILTER (outcome = 'answered'), max(threshold_s) FILTER (outcome = 'answered'))
        THEN max(threshold_s) FILTER (outcome = 'answered')
    END AS common_threshold_s,
    count(wait_s) FILTER (outcome = 'abandoned') AS time_to_abandon_calls,
    coalesce(sum(wait_s) FILTER (outcome = 'abandoned'), 0) AS time_to_abandon_total_s,
    count(wait_s) FILTER (outcome IN ('abandoned', 'short_abandoned')) AS abandons_with_wait,
    count(*) FILTER (outcome IN ('abandoned', 'short_abandoned') AND wait_s <= threshold_s) AS abandons_within_threshold
FROM inbound
GROUP BY local_date, dimension, member_id
