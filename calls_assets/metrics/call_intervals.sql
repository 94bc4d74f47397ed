-- One row per half-hour, direction, ring group, IVR, number and campaign: counts and sums of the ended calls that began
-- in it, which all add up.
WITH counted AS (
    SELECT
        local_date, interval_start, min(interval_start_local) AS interval_start_local,
        direction, ring_group_id, ivr_id, number_id, campaign_id,
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
        count(*) FILTER (direction = 'inbound' AND outcome = 'answered' AND is_answered_within_sla)
            AS calls_answered_within_sla,
        count(speed_of_answer_s) AS speed_of_answer_calls,
        coalesce(sum(speed_of_answer_s), 0) AS speed_of_answer_total_s,
        count(talk_s) AS talk_calls,
        coalesce(sum(talk_s), 0) AS talk_s
    FROM calls
    WHERE is_ended
    GROUP BY local_date, interval_start, direction, ring_group_id, ivr_id, number_id, campaign_id
)
SELECT
    counted.local_date, interval_start, interval_start_local, direction,
    ring_group_id, ring_groups.name AS ring_group_name, ivr_id, ivrs.name AS ivr_name,
    number_id, numbers.name AS number_alias, campaign_id, campaigns.name AS campaign_name,
    counted.calls, calls_answered, calls_short_abandoned, calls_abandoned, calls_overflowed, calls_callback_requested,
    calls_ivr_exit, calls_out_of_hours, calls_unanswered_other, calls_not_answered, calls_answered_within_sla,
    speed_of_answer_calls, speed_of_answer_total_s, talk_calls, talk_s, status AS day_status
FROM counted
JOIN day_status USING (local_date)
LEFT JOIN latest_names AS ring_groups
    ON (counted.local_date, 'ring_group', ring_group_id) = (ring_groups.local_date, ring_groups.dimension, ring_groups.id)
LEFT JOIN latest_names AS ivrs ON (counted.local_date, 'ivr', ivr_id) = (ivrs.local_date, ivrs.dimension, ivrs.id)
LEFT JOIN latest_names AS numbers
    ON (counted.local_date, 'number', number_id) = (numbers.local_date, numbers.dimension, numbers.id)
LEFT JOIN latest_names AS campaigns
    ON (counted.local_date, 'campaign', campaign_id) = (campaigns.local_date, campaigns.dimension, campaigns.id)
