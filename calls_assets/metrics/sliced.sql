-- Every ended call once for each dimension, with the member that it belongs to.
SELECT
    calls.*, dimension, coalesce(id, '(none)') AS member_id, CASE WHEN id IS NULL THEN '(none)' ELSE name END AS member_name
FROM (
    SELECT
        *,
        unnest([
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
        ], recursive := true)
    FROM calls
    WHERE is_ended
) AS calls
