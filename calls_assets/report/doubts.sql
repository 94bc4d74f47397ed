-- One row: counts of what the day's figures do not include, or may get wrong; calls never offered to staff first.
SELECT
    count(*) FILTER (outcome = 'out_of_hours') AS out_of_hours,
    count(*) FILTER (outcome = 'ivr_exit') AS ivr_exit,
    (SELECT count(*) FROM rejected_calls) AS rejected,
    count(*) FILTER (NOT is_ended) AS in_progress,
    count(*) FILTER (
        is_ended AND direction = 'inbound' AND NOT is_answered
        AND outcome_source = 'predicate' AND outcome <> 'unanswered_other'
    ) AS guessed,
    count(*) FILTER (outcome = 'answered' AND direction = 'inbound' AND is_answered_within_sla IS NULL) AS without_verdict,
    count(*) FILTER (outcome = 'answered' AND talk_s IS NULL) AS without_talk,
    (SELECT string_agg(call_type, ', ' ORDER BY call_type) FROM reconciliation WHERE difference <> 0) AS differing,
    (SELECT string_agg(call_type, ', ' ORDER BY call_type) FROM reconciliation
     WHERE api_calls IS NULL AND our_calls IS NOT NULL) AS refused
FROM calls
