-- What kind of device a log-in is of (0 other, 1 web, 2 phone, 3 tablet, 4 desktop), for the list of log-ins and for
-- `logic.accounts.devices`.
ALTER TABLE login_devices ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;
