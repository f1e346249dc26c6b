/** Every element and attribute of config.xml. The checks of the loader and config.xsd both follow from this table. */
import {
  alertAttributes,
  clientLabelsAttribute,
  digestElement,
  logsAttribute,
  mailAttributes,
  windowAttributes,
} from './vocabulary-alert.ts';
import { checkElements } from './vocabulary-check.ts';
import { collectorAttributes, forwardElement, retentionAttributes } from './vocabulary-collector.ts';
import { repliesElement, secretAttributes, smtpElement } from './vocabulary-mail.ts';
import { metricsAttributes } from './vocabulary-metrics.ts';
import { eventsElement, optionElement, pingElement, serveAttributes, statusElement } from './vocabulary-serve.ts';
import { sshAttributes } from './vocabulary-ssh.ts';
import { alertmanagerElement, notifyElement, webhookElement } from './vocabulary-webhook.ts';
import type { AttributeSpec, ElementSpec } from './element-spec.ts';

const yesNo = ['yes', 'no'] as const;
const scopes = ['alerts', 'group', 'client'] as const;

const mail = (whom: string): AttributeSpec => ({
  kind: 'emails',
  words: ['none'],
  help: `${whom} as well, separated by commas. none: nobody, whoever is named further out.`,
});

const recipients: AttributeSpec = {
  words: ['add', 'replace'],
  help: 'replace: those named further out are not notified of what is inside. Default add.',
};

const every: AttributeSpec = {
  kind: 'duration',
  help:
    'How often a client with transport="push" pushes; it is unreachable after three times that. Default: ' +
    'as collector every.',
};

const state: AttributeSpec = {
  words: ['active', 'paused', 'retired'],
  help:
    'paused: visited, but nobody is notified. retired: not visited, its alerts close, its history stays. Default ' +
    'active.',
};

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
          'Holds keys, spool and the embedded database. Default: state beside this file, /var/lib/fleet-health ' +
          'when it stands in /etc.',
      },
    },
    help: 'Where the programs keep what they must remember.',
  },
  storage: {
    parents: ['config'],
    single: true,
    attributes: {
      url: {
        kind: 'storage',
        help:
          'sqlite:PATH or mysql://user@host:port/database (MariaDB too; hosts of one cluster with commas ' +
          'between, tried in that order). Default: sqlite, fleet.db in the state folder.',
      },
      ...secretAttributes,
      socketPath: { kind: 'path', help: 'Unix socket of the MySQL server.' },
      tls: {
        words: ['no', 'yes', 'verify'],
        help:
          'yes: encrypted; verify: certificate and host are checked too. Default verify; no for this machine ' +
          'without ca.',
      },
      ca: { kind: 'path', help: "PEM file of the authority that signed the server's certificate." },
      serverPublicKeyFile: {
        kind: 'path',
        help:
          "PEM file with the server's RSA key (public_key.pem in its data folder): a password without TLS is " +
          'for that key alone.',
      },
      migrate: { words: yesNo, help: 'no: the schema is only changed by `fleet-health migrate`. Default yes.' },
    },
    help: 'The database.',
  },
  retention: {
    parents: ['config'],
    single: true,
    attributes: retentionAttributes,
    help: 'How long what is kept.',
  },
  smtp: smtpElement,
  replies: repliesElement,
  notify: notifyElement,
  alertmanager: alertmanagerElement,
  heartbeat: {
    parents: ['config'],
    attributes: { url: { kind: 'url', required: true, help: 'Asked after each good pass of the alerter.' } },
    help: 'Somebody else who notices when the alerter no longer runs.',
  },
  metrics: {
    parents: ['config', 'serve'],
    single: true,
    attributes: metricsAttributes,
    help: 'Figures for Prometheus: in a file; in `<serve>`, under /metrics of `serve`.',
  },
  collector: {
    parents: ['config'],
    single: true,
    attributes: collectorAttributes,
    help: 'How `collect` goes over the fleet.',
  },
  forward: forwardElement,
  serve: {
    parents: ['config'],
    single: true,
    attributes: serveAttributes,
    help: 'What `serve` listens on, and who may look. Its parts are off unless they stand in it.',
  },
  look: { parents: ['serve'], attributes: {}, help: 'The pages, and the documents of --json, for people and scripts.' },
  events: eventsElement,
  option: optionElement,
  ping: pingElement,
  status: statusElement,
  push: {
    parents: ['serve'],
    single: true,
    attributes: {},
    help: 'Reports that clients push over HTTP (docs/push.md).',
  },
  ssh: {
    parents: ['config'],
    single: true,
    attributes: sshAttributes,
    help: 'The connection to every client, unless an element further in overrides it.',
  },
  alerts: {
    parents: ['config'],
    single: true,
    attributes: {
      mail: mail('Who is notified of the whole fleet'),
      repeat: {
        kind: 'duration',
        words: ['none'],
        help: 'How often people are reminded of what is open. Default 12h; none: never.',
      },
      for: {
        kind: 'span',
        help:
          'How long or how many rows in a row a rule must hold that has no for of its own; conditions keep theirs. ' +
          'Default: 1x for written rules; each default rule has its own.',
      },
      groupInterval: { kind: 'duration', help: 'How often warnings and recoveries alone make a mail. Default 15m.' },
      flapping: {
        words: yesNo,
        help:
          'no: recipients are notified of each change, also of what changes 4 times within 12 rows. Default yes: ' +
          'then that is one notice.',
      },
      defaults: { words: yesNo, help: 'no: only the rules written here, and conditions. Default yes.' },
      logs: logsAttribute,
      zone: { kind: 'zone', help: "IANA time zone in which people read times. Default: the server's." },
    },
    help: 'Rules, recipients and windows for the whole fleet.',
  },
  mail: { parents: scopes, attributes: mailAttributes, help: 'Adds recipients, as mail="..." does.' },
  webhook: webhookElement,
  alert: { parents: scopes, attributes: alertAttributes, help: 'A rule: what must hold, and who is notified when.' },
  window: {
    parents: scopes,
    attributes: windowAttributes,
    help: 'A time in which alerts are held back; recipients are notified at its end of what still holds.',
  },
  digest: digestElement,
  ...checkElements,
  bastion: {
    parents: ['config'],
    attributes: {
      name: { kind: 'name', required: true, help: 'What proxyJump calls it.' },
      ip: { kind: 'host', required: true, help: 'Its address or host name.' },
      ...sshAttributes,
    },
    help: 'A machine through which others are reached. It takes what <ssh> says, but for proxyJump and transport.',
  },
  group: {
    parents: ['config', 'group'],
    attributes: {
      name: { kind: 'name', help: 'For --group and mails.' },
      labels: clientLabelsAttribute,
      mail: mail('Who is notified of its clients'),
      recipients,
      logs: logsAttribute,
      every,
      state,
      ...sshAttributes,
    },
    help: 'Clients that have something in common; groups nest.',
  },
  client: {
    parents: ['config', 'group'],
    attributes: {
      ip: {
        kind: 'host',
        help:
          'Address or host name; one range such as web-[01-80] makes many clients. Default: what ssh_config ' +
          'and the name server say of name.',
      },
      address: { kind: 'host', help: 'The same as ip.' },
      url: {
        kind: 'spokeUrl',
        help: 'With transport="http", where fleet-health-agent spoke answers, like http://[2001:db8::7]:5000/.',
      },
      name: {
        kind: 'name',
        help:
          'What it is called everywhere. A range goes along with that of ip. Default: ip, or ip:port unless ' +
          'the port is 22.',
      },
      was: { kind: 'name', help: 'Its former name; stored rows and silences follow once.' },
      labels: clientLabelsAttribute,
      state,
      until: { kind: 'moment', help: 'When state ends, like 2026-12-01 or 2026-12-01 06:00, in the zone of <alerts>.' },
      mail: mail('Who is notified of it'),
      recipients,
      logs: logsAttribute,
      every,
      ...sshAttributes,
    },
    help: 'A machine that is watched, or a range of them.',
  },
  include: {
    parents: ['config', 'group', 'alerts'],
    attributes: {
      file: { kind: 'path', required: true, help: 'A file, or a pattern like clients.d/*.xml, relative to this file.' },
    },
    help: "Puts the children of another file's <config> in its place.",
  },
};
