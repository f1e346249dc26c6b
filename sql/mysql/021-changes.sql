-- The state of clients: packages, files, units, accounts, listeners, mounts and the system, as they are (`state`), and each
-- change (`state_changes`). Names and values are stored once for the whole fleet. `since` and `latest_at` are the look
-- that found a value first, `earliest_at` is the look before it; a file's own time narrows both. A client's first look
-- at a section is no change. before_id is NULL for what is new, after_id for what is gone.

CREATE TABLE state_clients (
  id     BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
  client VARCHAR(128) NOT NULL,
  UNIQUE (client)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE state_items (
  id   BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
  kind VARCHAR(16)  NOT NULL,
  item VARCHAR(255) NOT NULL,
  UNIQUE (kind, item)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE state_values (
  id      BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
  item_id BIGINT       NOT NULL,
  value   VARCHAR(255) NOT NULL,
  UNIQUE (item_id, value)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE state (
  client_id BIGINT       NOT NULL,
  value_id  BIGINT       NOT NULL,
  since     DATETIME(3)  NOT NULL,
  PRIMARY KEY (client_id, value_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE INDEX state_value ON state (value_id);

CREATE TABLE state_changes (
  id          BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
  client_id   BIGINT       NOT NULL,
  item_id     BIGINT       NOT NULL,
  before_id   BIGINT,
  after_id    BIGINT,
  earliest_at DATETIME(3)  NOT NULL,
  latest_at   DATETIME(3)  NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE INDEX state_changes_client ON state_changes (client_id, latest_at);
CREATE INDEX state_changes_item ON state_changes (item_id, latest_at);
CREATE INDEX state_changes_latest ON state_changes (latest_at);

-- The newest look at each section. error: why the newest look read nothing; its digest and time are of the look before.
CREATE TABLE state_sections (
  client_id   BIGINT       NOT NULL,
  kind        VARCHAR(16)  NOT NULL,
  digest      VARCHAR(64)  NOT NULL,
  observed_at DATETIME(3)  NOT NULL,
  error       VARCHAR(255),
  PRIMARY KEY (client_id, kind)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- state_at: the newest attempt to read the state. state_runs: the attempts of its day. state_stamp: the client's stamp at
-- the newest success. state_wanted_at: the beginning of the newest alert, for which the state is read once more.
ALTER TABLE clients
  ADD COLUMN state_stamp     VARCHAR(64),
  ADD COLUMN state_at        DATETIME(3),
  ADD COLUMN state_runs      INT         NOT NULL DEFAULT 0,
  ADD COLUMN state_wanted_at DATETIME(3);

CREATE SQL SECURITY INVOKER VIEW state_now AS
  SELECT c.client, i.kind, i.item, v.value, s.since
  FROM state s JOIN state_clients c ON c.id = s.client_id
  JOIN state_values v ON v.id = s.value_id JOIN state_items i ON i.id = v.item_id;

CREATE SQL SECURITY INVOKER VIEW packages AS
  SELECT c.client, SUBSTRING_INDEX(i.item, ' ', 1) AS name, v.value AS version,
    SUBSTRING_INDEX(SUBSTRING_INDEX(CONCAT(i.item, '  '), ' ', 2), ' ', -1) AS architecture, s.since
  FROM state_items i JOIN state_values v ON v.item_id = i.id
  JOIN state s ON s.value_id = v.id JOIN state_clients c ON c.id = s.client_id
  WHERE i.kind = 'package';

-- The versions that clients have and had. since is NULL for what was there before the first look and is gone;
-- replaced_at is NULL for what is there.
CREATE SQL SECURITY INVOKER VIEW package_history AS
  SELECT client, name, version, architecture, since, NULL AS replaced_at FROM packages
  UNION ALL
  SELECT c.client, SUBSTRING_INDEX(i.item, ' ', 1), b.value,
    SUBSTRING_INDEX(SUBSTRING_INDEX(CONCAT(i.item, '  '), ' ', 2), ' ', -1),
    (SELECT MAX(e.latest_at) FROM state_changes e
     WHERE e.client_id = x.client_id AND e.item_id = x.item_id AND e.after_id = x.before_id AND e.id < x.id),
    x.latest_at
  FROM state_items i JOIN state_changes x ON x.item_id = i.id JOIN state_clients c ON c.id = x.client_id
  JOIN state_values b ON b.id = x.before_id
  WHERE i.kind = 'package';

CREATE SQL SECURITY INVOKER VIEW changes AS
  SELECT c.client, i.kind, i.item, b.value AS old_value, a.value AS new_value, x.earliest_at, x.latest_at
  FROM state_changes x JOIN state_clients c ON c.id = x.client_id JOIN state_items i ON i.id = x.item_id
  LEFT JOIN state_values b ON b.id = x.before_id LEFT JOIN state_values a ON a.id = x.after_id;
