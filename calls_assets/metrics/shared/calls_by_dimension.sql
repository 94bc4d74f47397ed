-- One row per ended call and dimension, with the member of the dimension that the call belongs to. `is_offered` says
-- whether an inbound call was offered to staff, neither left in a menu nor out of hours (as Genesys: offered = answered
-- + abandoned + flow-outs).
SELECT
    calls.*, dimension, coalesce(id, '(none)') AS member_id, CASE WHEN id IS NULL THEN '(none)' ELSE name END AS member_name,
    direction = 'inbound' AND outcome NOT IN ('ivr_exit', 'out_of_hours') AS is_offered
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
                name: strftime(make_timestamp(epoch_us(interval_start) + utc_offset_s * 1_000_000), '%H:%M') || printf(
                    '%s%02d:%02d', CASE WHEN utc_offset_s < 0 THEN '-' ELSE '+' END,
                    abs(utc_offset_s) // 3600, abs(utc_offset_s) % 3600 // 60
                )
            }
        ], recursive := true)
    FROM calls
    WHERE is_ended
) AS calls
