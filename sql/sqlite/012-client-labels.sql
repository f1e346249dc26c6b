-- The labels that config.xml gives its clients, for SQL and for programs that read the database.
CREATE TABLE client_labels (
  client TEXT NOT NULL,
  name   TEXT NOT NULL,
  value  TEXT NOT NULL,
  PRIMARY KEY (client, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX client_labels_name ON client_labels (name, value);
