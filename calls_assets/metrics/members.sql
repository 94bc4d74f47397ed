-- Ended inbound calls counted by outcome for every member of every dimension. Each dimension's counts sum to the total's.
WITH inbound AS (
    SELECT
        local_date, call_id, started_at, outcome, is_answered_within_sla, speed_of_answer_s,
        list_contains(call_types, 'abandoned_distributed') AS is_distributed,
        [
            {dimension: 'total', id: '(all)', name: '(all)'},
            {dimension: 'ring_group', id: ring_group_id::VARCHAR, name: ring_group_name},
            {dimension: 'ivr', id: ivr_id::VARCHAR, name: ivr_name},
            {dimension: 'number', id: number_id::VARCHAR, name: number_alias},
            {dimension: 'campaign', id: campaign_id::VARCHAR, name: campaign_name},
            {
                dimension: 'half_hour',
                id: strftime(make_timestamp(epoch_us(interval_start)), '%Y-%m-%dT%H:%M:%SZ'),
                name: wall_clock(epoch_us(interval_start) // 1_000_000, utc_offset_s)
            }
        ] AS memberships
    FROM calls
    WHERE direction = 'inbound' AND is_ended
),
sliced AS (
    SELECT
        * EXCLUDE (id, name),
        coalesce(id, '(none)') AS member_id,
        CASE WHEN id IS NULL THEN '(none)' ELSE name END AS member_name
    FROM (SELECT * EXCLUDE (memberships), unnest(memberships, recursive := true) FROM inbound)
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
    coalesce(sum(speed_of_answer_s), 0) AS speed_of_answer_total_s
FROM sliced
GROUP BY local_date, dimension, member_id
