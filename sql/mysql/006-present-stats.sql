-- latest_stats without the clients that nobody has visited for a day, as of the newest visit of any client: those were taken
-- out of config.xml. A visit more than an hour ahead of the database's clock counts for its own client alone.
CREATE SQL SECURITY INVOKER VIEW present_stats AS
  SELECT l.*
    FROM latest_stats l
    JOIN clients c ON c.name = l.client
   WHERE c.last_visit_at >= (SELECT MAX(v.last_visit_at) - INTERVAL 1 DAY FROM clients v
                              WHERE v.last_visit_at <= UTC_TIMESTAMP(3) + INTERVAL 1 HOUR);
