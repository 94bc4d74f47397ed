-- Are we answering in time. The vendor says of each answered call whether it was within the threshold.
SELECT
    *,
    ratio(calls_answered_within_sla, calls_answered + calls_abandoned) AS service_level,
    ratio(calls_answered_within_sla, calls_answered) AS sl_answered_only,
    ratio(calls_answered_within_sla, calls_answered + calls_abandoned + calls_short_abandoned) AS sl_all_abandons,
    ratio(
        calls_answered_within_sla + calls_short_abandoned, calls_answered + calls_abandoned + calls_short_abandoned
    ) AS sl_short_positive,
    ratio(calls_answered_within_sla, calls_offered) AS sl_offered,
    ratio(speed_of_answer_total_s, speed_of_answer_calls) AS average_speed_of_answer_s
FROM members
