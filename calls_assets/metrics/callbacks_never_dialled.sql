-- One row per request for a callback that no outbound call of the days read has followed: whom we still owe a call. A
-- callback names the call that asked for it (original_call_id).
SELECT
    local_date, call_id, started_at, outcome, contact_id, contact.number AS contact_number,
    ring_group_id, ring_group_name, number_id, calls.number AS number, number_alias,
    CASE WHEN contact_id IS NOT NULL THEN coalesce(last_dialled_at > calls.started_at, false) END AS contact_dialled_since,
    CASE WHEN contact_id IS NOT NULL THEN coalesce(last_spoken_at > calls.started_at, false) END AS contact_spoken_to_since
FROM calls
JOIN (SELECT local_date, id AS call_id, contact FROM raw_calls) USING (local_date, call_id)
LEFT JOIN contacts USING (contact_id)
WHERE
    is_ended AND asked_to_be_called_back(direction, requested_callback, outcome)
    AND call_id NOT IN (
        SELECT original_call_id FROM calls WHERE direction = 'outbound' AND original_call_id IS NOT NULL
    )
