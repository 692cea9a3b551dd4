-- What kind of device a log-in is of (0 other, 1 web, 2 phone, 3 tablet, 4 desktop), for the list of log-ins and for
-- `logic.accounts.devices`. ADD COLUMN cannot be run again everywhere, so it is only where the column is not there yet.
SET @add_column = IF(
    (SELECT COUNT(*) FROM information_schema.columns
     WHERE table_schema = DATABASE() AND table_name = 'login_devices' AND column_name = 'kind') = 0,
    'ALTER TABLE login_devices ADD COLUMN kind TINYINT NOT NULL DEFAULT 0',
    'DO 0'
);
PREPARE add_column FROM @add_column;
EXECUTE add_column;
DEALLOCATE PREPARE add_column;
