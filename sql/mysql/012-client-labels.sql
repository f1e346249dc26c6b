-- The labels that config.xml gives its clients, for SQL and for programs that read the database.

CREATE TABLE client_labels (
  client VARCHAR(128) NOT NULL,
  name   VARCHAR(64)  NOT NULL,
  value  VARCHAR(200) NOT NULL,
  PRIMARY KEY (client, name)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE INDEX client_labels_name ON client_labels (name, value);
