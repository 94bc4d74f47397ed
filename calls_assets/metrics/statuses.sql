-- Whether each day can still move, as the metrics show it.
SELECT local_date, status AS day_status FROM day_status
