-- One row per call and call type that the call's own fields tell for certain, or suggest.
SELECT local_date, id AS call_id, unnest(
    certain_call_types(is_inbound, is_answered, is_answered_within_sla, is_ended)
    || likely_call_types(
        is_inbound, is_answered, is_ended, ivr.id, ring_group.id, coalesce(len(all_agents), 0) > 0, requested_callback,
        any_transfer(all_agents, answered_agents, external_numbers)
    )
) AS call_type
FROM raw_calls
