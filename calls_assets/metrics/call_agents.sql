-- One row per call and agent leg of an ended call: the answered legs, then the agents who were rung and did not answer.
-- Talk that no agent owns becomes one answered leg of its own, so that the legs' talk always sums to the calls' (see
-- answered_legs).
WITH ended AS (
    SELECT
        local_date, id AS call_id, is_inbound, all_agents, external_numbers,
        seconds_or_null(talk_time) AS talk_s,
        agent_ids(answered_agents) AS answered_ids,
        coalesce(len([leg FOR leg IN answered_agents IF leg IS NOT NULL]), 0) AS answered_count
    FROM raw_calls
    WHERE is_ended
),
ownerless AS (
    SELECT *, CASE WHEN len(external_numbers) > 0 THEN 'external' ELSE 'unattributed' END AS owner
    FROM ended
    WHERE answered_count = 0 AND talk_s > 0
),
rung AS (
    SELECT
        *, unnest(all_agents) AS leg, generate_subscripts(all_agents, 1) AS position,
        greatest(answered_count, (talk_s > 0)::BIGINT) AS legs_before
    FROM ended
),
not_answered AS (
    SELECT *, legs_before + row_number() OVER (PARTITION BY local_date, call_id ORDER BY position) - 1 AS leg_number
    FROM rung
    WHERE leg IS NOT NULL AND NOT coalesce(list_contains(answered_ids, leg.id), false)
),
every_leg AS (
    SELECT
        local_date, call_id, is_inbound, leg, agent_id, agent_alias, true AS answered, is_first, is_last, is_transfer,
        offset_s, talk_s, talk_s_max, attribution, hangup_reason, 'unattributed' AS nobody
    FROM answered_legs
    UNION ALL
    SELECT
        local_date, call_id, is_inbound, 0, NULL, NULL, true, true, true, false,
        0, talk_s, talk_s, owner, NULL, owner
    FROM ownerless
    UNION ALL
    SELECT
        local_date, call_id, is_inbound, leg_number, leg.id, leg.alias, false, false, false,
        coalesce(leg.is_any_transfer, false), NULL, 0, 0, 'not_answered', leg.hangup_reason, 'unattributed'
    FROM not_answered
)
SELECT
    local_date, call_id,
    direction_of(is_inbound) AS direction,
    leg,
    coalesce(agent_id::VARCHAR, nobody) AS agent_key,
    agent_id, agent_alias, answered, is_first, is_last, is_transfer, offset_s, talk_s, talk_s_max, attribution,
    hangup_reason
FROM every_leg
