-- Several servers are MySQL's alone: one process has one database.
SELECT 1;
