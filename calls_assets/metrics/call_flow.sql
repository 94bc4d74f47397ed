-- One row per direction and member of a dimension: how calls move on, by transfers, callbacks, outbound connects and
-- repeat callers. Ended calls only. The callback completion rate is Amazon Connect's, the connect rate Convoso's.
WITH dialled AS (
    SELECT
        local_date, original_call_id AS call_id,
        min(epoch_us(started_at) // 1_000_000) FILTER (outcome = 'answered') AS reached_s
    FROM calls
    WHERE direction = 'outbound' AND is_ended AND original_call_id IS NOT NULL
    GROUP BY local_date, original_call_id
),
flowing AS (
    SELECT
        calls.*,
        asked_to_be_called_back(direction, requested_callback, outcome) AS asked,
        dialled.call_id IS NOT NULL AS was_dialled,
        reached_s - epoch_us(started_at) // 1_000_000 AS delay_s
    FROM calls_by_dimension AS calls
    LEFT JOIN dialled USING (local_date, call_id)
    WHERE direction IS NOT NULL
    UNION ALL BY NAME  -- a day without calls has its totals too
    SELECT
        local_date, unnest(['inbound', 'outbound']) AS direction, 'total' AS dimension, '(all)' AS member_id,
        '(all)' AS member_name
    FROM days
),
counted AS (
    SELECT
        local_date, direction, dimension, member_id, latest_name(member_name, started_at, call_id) AS member_name,
        count(call_id) AS calls,
        count(*) FILTER (is_offered) AS calls_offered,
        count(*) FILTER (outcome = 'answered') AS calls_answered,
        count(*) FILTER (outcome = 'answered' AND is_transferred) AS calls_transferred,
        coalesce(sum(flowing.transfers) FILTER (outcome = 'answered'), 0) AS transfers,
        count(*) FILTER (outcome = 'answered' AND list_contains(call_types, 'warm_transfer')) AS calls_warm_transferred,
        count(*) FILTER (asked) AS callbacks_requested,
        count(*) FILTER (asked AND was_dialled) AS callbacks_dialled,
        count(delay_s) FILTER (asked) AS callbacks_completed,
        coalesce(sum(delay_s) FILTER (asked), 0) AS callback_delay_total_s,
        CASE direction WHEN 'inbound' THEN count(DISTINCT contact_id) END AS callers,
        CASE direction WHEN 'inbound' THEN coalesce(
            len(list_filter(map_values(histogram(contact_id)), lambda calls_of_contact: calls_of_contact > 1)), 0
        ) END AS repeat_callers
    FROM flowing
    GROUP BY local_date, direction, dimension, member_id
)
SELECT
    local_date, direction, dimension, member_id, member_name,
    counted.calls, calls_offered, calls_answered, calls_transferred, calls_warm_transferred,
    ratio(calls_transferred, calls_answered) AS transfer_rate,
    counted.transfers, ratio(counted.transfers, calls_answered) AS transfers_per_call,
    callbacks_requested, callbacks_dialled, callbacks_completed,
    ratio(callbacks_requested, calls_offered) AS callback_request_rate,
    ratio(callbacks_completed, callbacks_requested) AS callback_completion_rate,
    callback_delay_total_s,
    ratio(callback_delay_total_s, callbacks_completed) AS average_callback_delay_s,
    CASE direction WHEN 'outbound' THEN ratio(calls_answered, counted.calls) END AS connect_rate,
    callers, repeat_callers,
    ratio(repeat_callers, callers) AS repeat_caller_rate,
    status AS day_status
FROM counted
JOIN day_status USING (local_date)
