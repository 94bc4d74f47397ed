-- One row per call and call type that the call's own fields determine, or suggest: on the latter the API has the last
-- word.
SELECT local_date, id AS call_id, unnest(
    certain_call_types(is_inbound, is_answered, is_answered_within_sla, is_ended) || list_filter([
        CASE WHEN is_inbound AND is_ended AND NOT coalesce(is_answered, false) AND ivr.id IS NOT NULL
            AND ring_group.id IS NULL AND coalesce(len(all_agents), 0) = 0 THEN 'inbound_ivr_exit' END,
        CASE WHEN is_inbound AND requested_callback THEN 'callback' END,
        CASE WHEN is_ended AND transfers_of(all_agents, answered_agents, external_numbers) > 0 THEN 'transfer' END
    ], lambda call_type: call_type IS NOT NULL)
) AS call_type
FROM raw_calls
