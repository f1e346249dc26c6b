/** Every element and attribute of config.xml. The checks of the loader and config.xsd both follow from this table. */
import {
  alertAttributes,
  clientLabelsAttribute,
  digestElement,
  logsAttribute,
  mailAttribute,
  mailAttributes,
  windowAttributes,
} from './vocabulary-alert.ts';
import { databaseKinds, embeddedKind } from '../databases/kinds.ts';
import { checkElements } from './vocabulary-check.ts';
import { clientAttributes, groupAttributes } from './vocabulary-client.ts';
import { collectorAttributes, forwardElement, retentionAttributes } from './vocabulary-collector.ts';
import { canaryElement, repliesElement, secretAttributes, smtpElement } from './vocabulary-mail.ts';
import { eventsElement, optionElement, pingElement, serveAttributes, statusElement } from './vocabulary-serve.ts';
import { sshAttributes } from './vocabulary-ssh.ts';
import { alertmanagerElement, heartbeatElement, notifyElement, webhookElement } from './vocabulary-webhook.ts';
import type { Attributes, ElementSpec } from './element-spec.ts';

/** The attributes of `<metrics>`. */
const metricsAttributes: Attributes = {
  textfile: {
    kind: 'path',
    help:
      "The file that `collect` and `alert` write at the end of a run, for node_exporter's textfile collector. " +
      'Needed, except in `<serve>`, where it is not allowed.',
  },
  families: {
    kind: 'families',
    help:
      'The groups of figures: client, alerts, self, check, disk, network, series, separated by commas. ' +
      'Default: all.',
  },
};

const yesNo = ['yes', 'no'] as const;
const storageUrls = databaseKinds.map(({ urlForm, urlHelp }) => urlForm + (urlHelp === null ? '' : ` (${urlHelp})`));
const storageAttributes: Attributes = Object.fromEntries(
  databaseKinds.flatMap(({ attributes }) => Object.entries(attributes)),
);
const scopes = ['alerts', 'group', 'client'] as const;

export const vocabulary: Readonly<Record<string, ElementSpec>> = {
  config: {
    parents: [],
    attributes: { labels: clientLabelsAttribute },
    help: 'The fleet: settings, alerts and clients, in any order.',
  },
  state: {
    parents: ['config'],
    single: true,
    attributes: {
      dir: {
        kind: 'path',
        required: true,
        help:
          'The folder of keys, spool and the embedded database. Default: state beside this file, or ' +
          '/var/lib/fleet-health for a file in /etc.',
      },
    },
    help: 'The state of the programs.',
  },
  storage: {
    parents: ['config'],
    single: true,
    attributes: {
      url: {
        kind: 'storage',
        help: `${storageUrls.join(' or ')}. ` + `Default: ${embeddedKind.name}, fleet.db in the state folder.`,
      },
      ...secretAttributes,
      ...storageAttributes,
      migrate: { words: yesNo, help: 'no: only `fleet-health migrate` changes the schema. Default yes.' },
    },
    help: 'The database.',
  },
  retention: {
    parents: ['config'],
    single: true,
    attributes: retentionAttributes,
    help: 'The time for which rows are kept.',
  },
  smtp: smtpElement,
  replies: repliesElement,
  canary: canaryElement,
  notify: notifyElement,
  alertmanager: alertmanagerElement,
  heartbeat: heartbeatElement,
  metrics: {
    parents: ['config', 'serve'],
    single: true,
    attributes: metricsAttributes,
    help: 'Figures for Prometheus in a file; in `<serve>`, at /metrics of `serve`.',
  },
  collector: {
    parents: ['config'],
    single: true,
    attributes: collectorAttributes,
    help: 'The runs of `collect`: interval, concurrency and time limits.',
  },
  forward: forwardElement,
  serve: {
    parents: ['config'],
    single: true,
    attributes: serveAttributes,
    help: 'The addresses of `serve`, and the access to it. Each part is off unless its element is present.',
  },
  look: {
    parents: ['serve'],
    attributes: {
      acknowledge: {
        words: ['yes', 'no'],
        help:
          'yes: the page of an alert has a button that acknowledges it, for viewers whom userHeader or a token ' +
          'names. Default no.',
      },
    },
    help: 'The pages, and the documents of --json, for people and scripts.',
  },
  events: eventsElement,
  option: optionElement,
  ping: pingElement,
  status: statusElement,
  push: {
    parents: ['serve'],
    single: true,
    attributes: {},
    help: 'The endpoint to which clients push reports over HTTP (docs/reporting.md).',
  },
  ssh: {
    parents: ['config'],
    single: true,
    attributes: sshAttributes,
    help: 'The connection to every client; inner elements override it.',
  },
  alerts: {
    parents: ['config'],
    single: true,
    attributes: {
      mail: mailAttribute('the whole fleet'),
      repeat: {
        kind: 'duration',
        words: ['none'],
        help: 'The interval of reminders about open alerts. Default 12h; none: no reminders.',
      },
      for: {
        kind: 'span',
        help:
          'The duration or number of consecutive rows that rules without their own for must hold. Default: 1x for ' +
          'written rules; default rules and conditions have their own.',
      },
      groupInterval: {
        kind: 'duration',
        help: 'The least interval of mails with only warnings and recoveries. Default 15m.',
      },
      flapping: {
        words: yesNo,
        help:
          'no: recipients are notified of each change. yes: a value that changes 4 times within 12 rows is one ' +
          'notification. Default yes.',
      },
      cause: {
        kind: 'chance',
        words: ['no'],
        help:
          'Mails name what changed before an alert if it is there by chance with at most this probability. ' +
          'Default 0.02; no: they name nothing (docs/changes.md).',
      },
      defaults: { words: yesNo, help: 'no: only rules of this file and conditions apply. Default yes.' },
      excerpt: {
        words: yesNo,
        help:
          'no: mails show no lines of failed units, containers and checks, and agents read none of units and ' +
          'containers. Default yes.',
      },
      logs: logsAttribute,
      zone: { kind: 'zone', help: "IANA time zone of times in mails and on pages. Default: the server's." },
    },
    help: 'Rules, recipients and windows for the whole fleet.',
  },
  mail: { parents: scopes, attributes: mailAttributes, help: 'Adds recipients, as mail="..." does.' },
  webhook: webhookElement,
  alert: {
    parents: scopes,
    attributes: alertAttributes,
    help: 'A rule: a limit, and who is notified when it is reached.',
  },
  window: {
    parents: scopes,
    attributes: windowAttributes,
    help: 'A time without notifications; at its end recipients are notified of alerts that still fire.',
  },
  digest: digestElement,
  ...checkElements,
  bastion: {
    parents: ['config'],
    attributes: {
      name: { kind: 'name', required: true, help: 'The name for proxyJump.' },
      ip: { kind: 'host', required: true, help: 'Address or host name.' },
      ...sshAttributes,
    },
    help:
      'A machine through which others are reached. It inherits the attributes of <ssh>, except proxyJump and ' +
      'transport.',
  },
  group: {
    parents: ['config', 'group'],
    attributes: groupAttributes,
    help: 'Clients with common attributes; groups can contain groups.',
  },
  client: {
    parents: ['config', 'group'],
    attributes: clientAttributes,
    help: 'A monitored machine, or a range of machines.',
  },
  include: {
    parents: ['config', 'group', 'alerts'],
    attributes: {
      file: { kind: 'path', required: true, help: 'A file, or a pattern like clients.d/*.xml, relative to this file.' },
    },
    help: "Inserts the children of another file's <config> here.",
  },
};
