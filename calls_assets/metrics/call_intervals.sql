-- One row per half-hour, direction, ring group, IVR, number and campaign: counts and sums of the ended calls that began
-- in it, which all add up.
SELECT
    local_date, interval_start, direction, ring_group_id, ivr_id, number_id, campaign_id,
    count(*) AS calls,
    count(*) FILTER (outcome = 'answered') AS calls_answered,
    count(*) FILTER (outcome = 'short_abandoned') AS calls_short_abandoned,
    count(*) FILTER (outcome = 'abandoned') AS calls_abandoned,
    count(*) FILTER (outcome = 'overflowed') AS calls_overflowed,
    count(*) FILTER (outcome = 'callback_requested') AS calls_callback_requested,
    count(*) FILTER (outcome = 'ivr_exit') AS calls_ivr_exit,
    count(*) FILTER (outcome = 'out_of_hours') AS calls_out_of_hours,
    count(*) FILTER (outcome = 'unanswered_other') AS calls_unanswered_other,
    count(*) FILTER (outcome = 'not_answered') AS calls_not_answered,
    count(*) FILTER (direction = 'inbound' AND outcome = 'answered' AND is_answered_within_sla) AS calls_answered_within_sla,
    count(speed_of_answer_s) AS speed_of_answer_calls,
    coalesce(sum(speed_of_answer_s), 0) AS speed_of_answer_total_s,
    count(talk_s) AS talk_calls,
    coalesce(sum(talk_s), 0) AS talk_s,
    any_value(status) AS day_status
FROM calls
JOIN day_status USING (local_date)
WHERE is_ended
GROUP BY local_date, interval_start, direction, ring_group_id, ivr_id, number_id, campaign_id
