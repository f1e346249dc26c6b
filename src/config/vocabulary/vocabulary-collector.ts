import type { Attributes, ElementSpec } from './element-spec.ts';

/** The attributes of `<collector>`. */
export const collectorAttributes: Attributes = {
  every: { kind: 'duration', help: 'How often cron starts `collect`: other defaults follow from it. Default 5m.' },
  concurrency: { kind: 'count', help: 'How many clients are visited at a time. Default 128.' },
  tcpTimeout: { kind: 'duration', help: 'Until TCP stands. Default 5s.' },
  connectTimeout: { kind: 'duration', help: 'Until logged in, TCP included. Default 10s.' },
  agentTimeout: { kind: 'duration', help: 'How long the agent may run. Default 15s.' },
  clientDeadline: { kind: 'duration', help: 'How long one visit may take in all. Default 30s.' },
  runDeadline: { kind: 'duration', help: 'How long a run may take. Default 80% of every.' },
  perBastion: { kind: 'count', help: 'Logins under way at a time through one bastion. Default 10.' },
  perSubnet: { kind: 'count', help: 'Logins under way at a time in one /24 or, for IPv6, /64. Default 32.' },
  spool: {
    kind: 'size',
    help:
      'How much may wait in encrypted_stats/ for the database; beyond it reports stay on the clients. Default ' +
      '10GiB.',
  },
  pipelining: { words: ['yes', 'no'], help: 'Saves round trips: login and command go out at once. Default yes.' },
  open: { words: ['yes', 'no'], help: 'no: reports are stored sealed, for `ingest` to open elsewhere. Default yes.' },
  share: {
    words: ['yes', 'no'],
    help: 'yes: several collectors with one MariaDB or MySQL share the clients of `site`. Default no.',
  },
  site: { kind: 'name', help: 'The site of this collector, which visits clients with this label `site`, or without.' },
};

/** The element `<forward>`. */
export const forwardElement: ElementSpec = {
  parents: ['collector'],
  single: true,
  attributes: {
    url: {
      kind: 'forwardUrl',
      required: true,
      help: 'The push endpoint of the collector with the database, on port 5151 unless a proxy is before it.',
    },
    key: { kind: 'path', required: true, help: 'The file that `fleet-health enroll SITE --site` has printed there.' },
  },
  help: 'A site without a database: what `collect` takes is pushed to another collector (docs/sites.md).',
};

/** The attributes of `<retention>`. */
export const retentionAttributes: Attributes = {
  raw: { kind: 'duration', help: 'How long rows of every visit are kept. Default 30d.' },
  detail: { kind: 'duration', help: 'How long whole reports are kept; at most raw. Default 2d.' },
  logs: { kind: 'duration', help: 'How long lines of logs are kept; at most raw, which is the default.' },
  hourly: { kind: 'duration', words: ['none'], help: 'How long figures by the hour are kept. Default 1y.' },
  daily: { kind: 'duration', words: ['none'], help: 'How long those of a day stay. Default 5y.' },
};
