-- One row per relation: how the API's call types relate to each other, tested on the ids of the ended calls. A relation
-- that no call breaks holds only where enough calls could have broken it.
WITH ended AS (
    SELECT
        local_date, true AS is_call, is_transferred, agents_offered > 0 AS rang,
        direction = 'inbound' AND requested_callback AS asked_for_callback,
        list_contains(call_types, 'all_inbound') AS all_inbound,
        list_contains(call_types, 'inbound_answered') AS inbound_answered,
        list_contains(call_types, 'inbound_answered_within_sla') AS in_time,
        list_contains(call_types, 'inbound_answered_but_not_within_sla') AS late,
        list_contains(call_types, 'all_outbound') AS all_outbound,
        list_has_any(call_types, ['outbound_answered', 'outbound_not_answered']) AS outbound_ended,
        list_contains(call_types, 'abandoned') AS abandoned,
        list_contains(call_types, 'short_abandoned') AS short_abandoned,
        list_contains(call_types, 'abandoned_distributed') AS abandoned_distributed,
        list_contains(call_types, 'short_abandoned_distributed') AS short_abandoned_distributed,
        list_contains(call_types, 'transfer') AS transfer,
        list_contains(call_types, 'warm_transfer') AS warm_transfer,
        list_contains(call_types, 'callback') AS callback,
        list_contains(call_types, 'automated_callback') AS automated_callback,
        list_has_any(call_types, [
            'inbound_ivr_exit', 'abandoned', 'abandoned_distributed', 'short_abandoned', 'short_abandoned_distributed',
            'callback', 'overflowed', 'out_of_business_hours'
        ]) AS unanswered
    FROM calls
    WHERE is_ended
),
tested AS (
    SELECT local_date, unnest([
        {relation: 'all_inbound or all_outbound = every call', a: all_inbound OR all_outbound, b: is_call},
        {
            relation: 'inbound_answered = inbound_answered_within_sla or inbound_answered_but_not_within_sla',
            a: inbound_answered, b: in_time OR late
        },
        {relation: 'inbound_answered_within_sla apart from inbound_answered_but_not_within_sla', a: in_time, b: late},
        {relation: 'all_outbound = outbound_answered or outbound_not_answered', a: all_outbound, b: outbound_ended},
        {relation: 'abandoned apart from short_abandoned', a: abandoned, b: short_abandoned},
        {relation: 'abandoned_distributed in abandoned', a: abandoned_distributed, b: abandoned},
        {relation: 'abandoned_distributed apart from abandoned', a: abandoned_distributed, b: abandoned},
        {relation: 'short_abandoned_distributed in short_abandoned', a: short_abandoned_distributed, b: short_abandoned},
        {
            relation: 'short_abandoned_distributed apart from short_abandoned',
            a: short_abandoned_distributed, b: short_abandoned
        },
        {
            relation: 'abandoned_distributed = abandoned and rang an agent',
            a: abandoned_distributed, b: (abandoned OR abandoned_distributed) AND rang
        },
        {relation: 'warm_transfer in transfer', a: warm_transfer, b: transfer},
        {relation: 'transfer = is_transferred', a: transfer, b: is_transferred},
        {relation: 'callback = requested_callback', a: callback, b: asked_for_callback},
        {relation: 'automated_callback in all_outbound', a: automated_callback, b: all_outbound},
        {
            relation: 'all_inbound = inbound_answered or another way to end',
            a: all_inbound, b: inbound_answered OR (all_inbound AND unanswered)
        }
    ], recursive := true)
    FROM days
    LEFT JOIN ended USING (local_date)  -- a day without calls has each relation too
),
counted AS (
    SELECT
        local_date, relation,
        count(*) FILTER (a) AS left_calls, count(*) FILTER (b) AS right_calls, count(*) FILTER (a AND b) AS both_calls,
        CASE
            WHEN relation LIKE '% apart from %' THEN both_calls
            WHEN relation LIKE '% in %' THEN left_calls - both_calls
            ELSE left_calls + right_calls - 2 * both_calls
        END AS breaking_calls
    FROM tested
    GROUP BY local_date, relation
)
SELECT
    local_date, relation, left_calls, right_calls, both_calls, breaking_calls,
    CASE
        WHEN breaking_calls > 0 THEN 'fails'
        WHEN left_calls >= min_calls_to_hold() AND (right_calls >= min_calls_to_hold() OR relation LIKE '% in %')
            THEN 'holds'
        ELSE 'not enough data'
    END AS verdict
FROM counted
