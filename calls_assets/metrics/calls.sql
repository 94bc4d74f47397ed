-- One row per call, with how it ended. The API's own call types decide; where there are none the call's `type`, then
-- its fields.
WITH labelled AS (
    SELECT local_date, call_id, list(call_type) AS labels
    FROM raw_call_types
    GROUP BY ALL
),
agents AS (
    SELECT
        local_date, call_id,
        first(agent_id ORDER BY leg) AS first_agent_id,
        first(agent_alias ORDER BY leg) AS first_agent_alias,
        last(agent_id ORDER BY leg) AS last_agent_id,
        last(agent_alias ORDER BY leg) AS last_agent_alias
    FROM answered_legs
    GROUP BY ALL
),
facts AS (
    SELECT
        raw.* EXCLUDE (id, is_inbound, is_answered, is_ended, requested_callback),
        raw.id AS call_id,
        is_inbound,
        coalesce(is_answered, false) AS is_answered,
        coalesce(is_ended, false) AS is_ended,
        coalesce(requested_callback, false) AS requested_callback,
        coalesce(labels, []) AS labels,
        utc_offset_s,
        (raw.started_at + utc_offset_s) // 1800 * 1800 - utc_offset_s AS half_hour_s,
        wait_method, coalesce(own.seconds, usual.seconds) AS sla_threshold_s,
        first_agent_id, first_agent_alias, last_agent_id, last_agent_alias
    FROM raw_calls AS raw
    JOIN days USING (local_date)
    ASOF JOIN utc_offsets ON raw.started_at >= utc_offsets.from_s
    LEFT JOIN labelled ON raw.local_date = labelled.local_date AND raw.id = labelled.call_id
    LEFT JOIN sla_seconds AS own ON raw.ring_group.id = own.ring_group_id
    LEFT JOIN sla_seconds AS usual ON usual.ring_group_id IS NULL
    LEFT JOIN agents ON raw.local_date = agents.local_date AND raw.id = agents.call_id
),
decided AS (
    SELECT
        *,
        CASE
            WHEN NOT is_ended OR is_answered OR NOT is_inbound THEN NULL
            WHEN list_has_any(labels, ['short_abandoned', 'short_abandoned_distributed']) THEN 'short_abandoned'
            WHEN list_has_any(labels, ['abandoned', 'abandoned_distributed']) THEN 'abandoned'
            WHEN list_contains(labels, 'overflowed') THEN 'overflowed'
            WHEN list_contains(labels, 'callback') THEN 'callback_requested'
            WHEN list_contains(labels, 'inbound_ivr_exit') THEN 'ivr_exit'
            WHEN list_contains(labels, 'out_of_business_hours') THEN 'out_of_hours'
        END AS by_label,
        CASE
            WHEN is_ended AND NOT is_answered AND is_inbound IS DISTINCT FROM false AND type IN (
                'short_abandoned', 'abandoned', 'overflowed', 'callback_requested', 'ivr_exit', 'out_of_hours'
            ) THEN type
        END AS by_type,
        CASE
            WHEN NOT is_ended THEN 'in_progress'
            WHEN is_answered THEN 'answered'
            WHEN NOT is_inbound THEN 'not_answered'
            WHEN requested_callback THEN 'callback_requested'
            ELSE 'unanswered_other'
        END AS by_fields,
        coalesce(by_label, by_type, by_fields) AS outcome
    FROM facts
)
SELECT
    local_date, call_id,
    instant(started_at) AS started_at,
    wall_clock(started_at, utc_offset_s) AS started_at_local,
    instant(half_hour_s) AS interval_start,
    wall_clock(half_hour_s, utc_offset_s) AS interval_start_local,
    utc_offset_s,
    direction_of(is_inbound) AS direction,
    outcome,
    CASE WHEN by_label IS NOT NULL THEN 'vendor_filter' WHEN by_type IS NOT NULL THEN 'type_field' ELSE 'predicate' END
        AS outcome_source,
    list_sort(list_distinct(
        labels || certain_call_types(is_inbound, is_answered, is_answered_within_sla, is_ended)
    )) AS call_types,
    type, is_ended, is_answered, is_answered_within_sla, requested_callback,
    transfers_of(all_agents, answered_agents, external_numbers) AS transfers,
    transfers > 0 AS is_transferred,
    coalesce(original_call_id <> 0, false) AS is_linked,
    nullif(original_call_id, 0) AS original_call_id,
    seconds_or_null(duration) AS duration_s,
    seconds_or_null(talk_time) AS talk_s,
    CASE
        WHEN outcome = 'answered'
        THEN seconds_or_null(list_min([leg_start(leg.started_at) FOR leg IN answered_agents]) - decided.started_at)
    END AS speed_of_answer_s,
    CASE WHEN is_inbound THEN wait_of(wait_method, outcome, speed_of_answer_s, duration_s, talk_s) END AS wait_s,
    CASE WHEN is_inbound THEN wait_method END AS wait_method,
    CASE WHEN is_inbound THEN sla_threshold_s END AS sla_threshold_s,
    len(list_distinct(agent_ids(all_agents) || agent_ids(answered_agents))) AS agents_offered,
    len(list_distinct(agent_ids(answered_agents))) AS agents_answered,
    first_agent_id, first_agent_alias, last_agent_id, last_agent_alias,
    ring_group.id AS ring_group_id, ring_group.name AS ring_group_name,
    ivr.id AS ivr_id, ivr.name AS ivr_name,
    number.id AS number_id, number.number AS number, number.alias AS number_alias,
    campaign.id AS campaign_id, campaign.name AS campaign_name,
    disposition.id AS disposition_id, disposition.code AS disposition_code,
    contact.id AS contact_id, contact.number_country_code AS country_dial_code, contact.list_ids AS list_ids,
    tags
FROM decided
