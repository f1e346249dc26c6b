-- Collectors that share a fleet, and which of them has which part of it. Empty where one collector visits all clients.

CREATE TABLE collectors (
  id       VARCHAR(64)  NOT NULL PRIMARY KEY,
  site     VARCHAR(64)  NOT NULL,
  host     VARCHAR(255) NOT NULL,
  key_id   VARCHAR(64)  NOT NULL,
  capacity INT          NOT NULL,
  seen_at  DATETIME(3)  NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE cycles (
  site     VARCHAR(64) NOT NULL PRIMARY KEY,
  cycle    BIGINT      NOT NULL,
  began_at DATETIME(3) NOT NULL
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE slices (
  site     VARCHAR(64) NOT NULL,
  slice    INT         NOT NULL,
  epoch    BIGINT      NOT NULL,
  holder   VARCHAR(64) NOT NULL,
  cycle    BIGINT      NOT NULL,
  until_at DATETIME(3) NOT NULL,
  done_at  DATETIME(3),
  PRIMARY KEY (site, slice)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
