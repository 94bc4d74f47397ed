-- What pulls of the day changed after its end.
SELECT change, field, count(DISTINCT call_id) AS calls, max(age_s) AS age_s
FROM call_changes
GROUP BY change, field
ORDER BY change, calls DESC, field
