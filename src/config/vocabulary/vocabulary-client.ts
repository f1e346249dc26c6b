import type { Attributes, ClientAttributes, ClientAttributeSpec } from './element-spec.ts';
import { clientLabelsAttribute, logsAttribute, mailAttribute } from './vocabulary-alert.ts';
import { changesAttribute, neighboursAttribute } from './vocabulary-collector.ts';
import { sshAttributes } from './vocabulary-ssh.ts';

type Effect = ClientAttributeSpec['effect'];

/** Attributes of the client itself, however its reports arrive. */
const always: Effect = { ssh: 'some', local: 'some', asked: 'some', comes: 'some', site: 'some' };
/** Attributes of what this collector asks an agent that it starts. */
const started: Effect = { ssh: 'some', local: 'some', asked: 'none', comes: 'none', site: 'none' };
const overSsh: Effect = { ...started, local: 'none' };
const refused: Effect = { ssh: 'refused', local: 'refused', asked: 'refused', comes: 'refused', site: 'refused' };

/** The attributes that a client has from the groups around it. */
const inherited = {
  labels: { ...clientLabelsAttribute, effect: always },
  mail: { ...mailAttribute('the client'), effect: always },
  recipients: {
    words: ['add', 'replace'],
    effect: always,
    help: 'replace: recipients of outer elements are not notified of clients inside. Default add.',
  },
  logs: { ...logsAttribute, effect: started },
  every: {
    kind: 'duration',
    effect: { ...refused, comes: 'some' },
    help:
      'The interval at which a client with transport="push" pushes; after three intervals it is unreachable. ' +
      'Default: every of <collector>.',
  },
  on: {
    kind: 'parents',
    words: ['none'],
    effect: always,
    help:
      'The machines of which one must be reachable for these clients to be: clients, or others such as a switch; ' +
      'with blanks, or with commas if a name has blanks. While all of them are away, they are reported instead. ' +
      'Default none.',
  },
  state: {
    words: ['active', 'paused', 'retired'],
    effect: always,
    help:
      'paused: visited, but nobody is notified. retired: not visited, its alerts close, its history stays. Default ' +
      'active.',
  },
  changes: { ...changesAttribute, effect: started },
  neighbours: { ...neighboursAttribute, effect: overSsh },
} satisfies ClientAttributes;

function withEffect(attributes: Attributes): ClientAttributes {
  const effects: Readonly<Record<string, Effect>> = { transport: always, node: started, unsealed: started };
  return Object.fromEntries(
    Object.entries(attributes).map(([name, spec]) => [name, { ...spec, effect: effects[name] ?? overSsh }]),
  );
}

export const groupAttributes: Attributes = {
  name: { kind: 'name', help: 'The name for --group and in mails.' },
  ...inherited,
  need: {
    kind: 'need',
    help:
      'How many of the active clients inside have to serve: a number, or a share like 75%, rounded up. While enough ' +
      'serve, critical alerts of needRules are notified as warnings; when fewer do, group-short is critical. ' +
      'Default: each is notified for itself.',
  },
  needRules: {
    kind: 'globs',
    help:
      'The rules whose critical alerts say that a client does not serve, separated by commas, * allowed. Default ' +
      'unreachable, no-report.',
  },
  mail: mailAttribute('the clients inside'),
  ...sshAttributes,
};

export const clientAttributes: ClientAttributes = {
  ip: {
    kind: 'host',
    effect: always,
    help:
      'Address or host name; a range such as web-[01-80] defines many clients. Default: name, resolved by ' +
      'ssh_config and DNS.',
  },
  address: { kind: 'host', effect: always, help: 'A synonym of ip.' },
  url: {
    kind: 'spokeUrl',
    effect: { ...refused, asked: 'some' },
    help: 'The URL of fleet-health-agent spoke, for transport="http", like http://[2001:db8::7]:5000/.',
  },
  name: {
    kind: 'name',
    effect: always,
    help:
      'The name of the client. A range has as many names as that of ip. Default: ip, or ip:port unless the ' +
      'port is 22.',
  },
  was: { kind: 'name', effect: always, help: 'The former name; stored rows and silences are renamed once.' },
  ...inherited,
  until: {
    kind: 'moment',
    effect: always,
    help: 'The end of state, like 2026-12-01 or 2026-12-01 06:00, in the zone of <alerts>.',
  },
  ...withEffect(sshAttributes),
};
