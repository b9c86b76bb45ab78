-- Each payment moved its order in two indexes that begin alike; the newest of all states are found in the one by state as well.
-- A program of format 1 goes on beside this, only that its list of all states reads more.
DROP INDEX IF EXISTS "{s}".orders_by_time;
