import type { Attributes, ElementSpec } from './element-spec.ts';
import { databaseKinds } from '../databases/kinds.ts';

const servers = databaseKinds
  .filter(({ isFile }) => !isFile)
  .map(({ title }) => title)
  .join(' or ');

/** The attribute `changes` of the whole fleet, a group and a client, whose `state` is another thing. */
export const changesAttribute = {
  words: ['yes', 'no-files', 'no'],
  help:
    'no: packages, files of /etc, units, accounts, listeners and mounts are not read. no-files: all but the files. ' +
    'Default yes (docs/changes.md).',
} as const;

/** The attribute `neighbours` of the whole fleet, a group and a client. */
export const neighboursAttribute = {
  words: ['yes', 'no'],
  help:
    'yes: when a client becomes unreachable, two clients beside it are asked whether they reach it, and the alert ' +
    'has a line with their answers. no: a client is neither asked nor asked about. Default no (docs/alerts.md).',
} as const;

/** The attributes of `<collector>`. */
export const collectorAttributes: Attributes = {
  every: {
    kind: 'duration',
    help: 'The interval at which cron starts `collect`; other defaults depend on it. Default 5m.',
  },
  concurrency: { kind: 'count', help: 'The number of simultaneous visits. Default 128.' },
  tcpTimeout: { kind: 'duration', help: 'The time limit of the TCP connection. Default 5s.' },
  connectTimeout: { kind: 'duration', help: 'The time limit of TCP connection and login together. Default 10s.' },
  agentTimeout: { kind: 'duration', help: 'The time limit of the agent. Default 15s.' },
  clientDeadline: { kind: 'duration', help: 'The time limit of a whole visit. Default 30s.' },
  runDeadline: { kind: 'duration', help: 'The time limit of a run. Default 80% of every.' },
  perBastion: { kind: 'count', help: 'The number of simultaneous logins through one bastion. Default 10.' },
  perSubnet: { kind: 'count', help: 'The number of simultaneous logins in one /24 or, for IPv6, /64. Default 32.' },
  spool: {
    kind: 'size',
    help:
      'The size of encrypted_stats/ from which further reports stay on the clients until the database has ' +
      'stored some. Default 10GiB.',
  },
  keepStored: {
    kind: 'duration',
    help:
      'The least time for which the sealed files of stored reports are kept, to store them again if the database ' +
      'forgets them, at most 7d. Default 15m.',
  },
  changes: changesAttribute,
  neighbours: neighboursAttribute,
  pipelining: {
    words: ['yes', 'no'],
    help: 'yes: sends login and command without waiting for answers, which saves round trips. Default yes.',
  },
  open: {
    words: ['yes', 'no'],
    help: 'no: stores reports sealed, and `ingest` opens them on another machine. Default yes.',
  },
  share: {
    words: ['yes', 'no'],
    help: `yes: several collectors with one ${servers} share the clients of \`site\`. Default no.`,
  },
  site: {
    kind: 'name',
    help: 'The site of this collector, which visits clients with this label `site` or without one.',
  },
};

/** The element `<forward>`. */
export const forwardElement: ElementSpec = {
  parents: ['collector'],
  single: true,
  attributes: {
    url: {
      kind: 'forwardUrl',
      help:
        'The push endpoint of the collector with the database, at port 5151 or that of a proxy. Without it rsync or ' +
        'another program has to move the files there (docs/collectors.md).',
    },
    key: { kind: 'path', required: true, help: 'The file that `fleet-health enroll SITE --site` printed there.' },
  },
  help: 'A site without a database, whose files go to another collector (docs/collectors.md).',
};

/** The attributes of `<retention>`. */
export const retentionAttributes: Attributes = {
  raw: { kind: 'duration', help: 'The time for rows of reports and runs. Default 30d.' },
  detail: { kind: 'duration', help: 'The time for whole reports, at most raw. Default 2d.' },
  logs: { kind: 'duration', help: 'The time for lines of logs, at most raw. Default: raw.' },
  alerts: {
    kind: 'duration',
    help: 'The time for ended alerts, mails and silences. Default 5y, or raw if that is longer.',
  },
  visits: { kind: 'duration', help: 'The time for single visits. Default 90d, or raw if that is longer.' },
  changes: { kind: 'duration', help: 'The time for changes of packages, files and the like. Default 400d.' },
  hourly: { kind: 'duration', words: ['none'], help: 'The time for hourly figures. Default 1y.' },
  daily: { kind: 'duration', words: ['none'], help: 'The time for daily figures. Default 5y.' },
};
