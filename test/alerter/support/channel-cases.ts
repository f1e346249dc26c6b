/** The channels of notifications. The other side of each can accept, defer and refuse a transfer, and break it off. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';

import { webhookFormats } from '../../../src/config/channel-config.ts';
import { openReceiver, type ReceivedPost } from '../../support/servers/http-receiver.ts';
import { isWide } from '../../support/long-tests.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { vendors, type VendorFormat } from '../../support/servers/vendor-server.ts';
import { idOf, stationFor, type Station, type StationOptions } from './station.ts';

/** The behaviour of the other side. `broken`: reads the whole transfer and closes the connection before the answer. */
export type OtherSide = 'takes' | 'puts off' | 'refuses' | 'broken';

export interface Delivered {
  readonly id: string;
  readonly content: string;
  /** The notification, such as `firing critical web-1 disk /`, if the other side derives it from the state. */
  readonly sentence?: string;
}

/** A station with a recipient, and the other side of its channel. */
export interface ChannelSite {
  readonly station: Station;
  /** The recipient in `mails`. */
  readonly recipient: string;
  /** Returns everything that the other side has read completely, in order, whatever its answers were. */
  arrived(): readonly Delivered[];
  behave(side: OtherSide): void;
  /** Makes the other side forget its state, as if the database were restored to an earlier state. */
  forget?(): void;
}

export interface ChannelCase {
  readonly name: string;
  /** True if the other side keeps a state of each alert, so that an acknowledgement is a notification of its own. */
  readonly keepsIncidents?: boolean;
  /** True if the other side receives the whole state at each pass and derives the changes. */
  readonly takesState?: boolean;
  /** False if maxMailsPerHour does not apply. */
  readonly hasCap?: boolean;
  /** The behaviours that the other side supports. */
  readonly can: readonly OtherSide[];
  /** Opens a station whose <alerts> has only this channel. `inside`: more of <alerts>; `clients`: elements after it. */
  readonly open: (t: TestContext, options: ChannelOptions) => Promise<ChannelSite>;
}

export interface ChannelOptions extends Pick<StationOptions, 'storage'> {
  readonly alerts?: string;
  readonly inside: string;
  readonly clients: string;
  readonly smtp?: string;
}

function elementsOf({ alerts = '', inside, clients }: ChannelOptions, named: string, beside = ''): string {
  return `<collector every="15m"/>${beside}<alerts ${alerts}>${named}${inside}</alerts>${clients}`;
}

const all: readonly OtherSide[] = ['takes', 'puts off', 'refuses', 'broken'];

const fallback = 'fallback="root@example.org"';

const mailCase: ChannelCase = {
  name: 'mail',
  can: all,
  open: async (t, options) => {
    const elements = elementsOf(options, '<mail to="ops@example.org"/>');
    const station = await stationFor(t, {
      storage: options.storage,
      elements,
      smtp: `${fallback} ${options.smtp ?? ''}`,
    });
    const got: Delivered[] = [];
    let side: OtherSide = 'takes';
    let isForOps = false;
    station.act(({ phase, line }) => {
      if (phase === 'rcpt') isForOps = line.includes('ops@');
      if (!isForOps) return undefined;
      if (phase === 'rcpt' && side === 'puts off') return '451 4.3.0 later';
      if (phase === 'rcpt' && side === 'refuses') return '550 5.1.1 no such user';
      if (phase !== 'dot') return undefined;
      got.push({ id: idOf(line), content: line });
      return side === 'broken' ? { kind: 'reset' } : undefined;
    });
    return { station, recipient: 'ops@example.org', arrived: () => got, behave: (now) => void (side = now) };
  },
};

const commandCase: ChannelCase = {
  name: 'command',
  can: all,
  open: async (t, options) => {
    const dir = tempFolder(t);
    const got = path.join(dir, 'got');
    mkdirSync(got);
    const command = path.join(dir, 'page');
    const script = `#!/bin/sh
read n < ${dir}/count
read side < ${dir}/side
[ "$side" = 75 ] && exit 75
[ "$side" = 1 ] && { echo "no such pager" >&2; exit 1; }
cat > ${dir}/part && mv ${dir}/part ${got}/$n
echo $((n + 1)) > ${dir}/count
[ "$side" = kill ] && kill -9 $$
exit 0
`;
    writeFileSync(path.join(dir, 'count'), '1000\n');
    writeFileSync(path.join(dir, 'side'), '0\n');
    writeFileSync(command, script);
    chmodSync(command, 0o755);
    const elements = elementsOf(options, '', `<notify command="${command}"/>`);
    const station = await stationFor(t, {
      storage: options.storage,
      elements,
      smtp: `${fallback} ${options.smtp ?? ''}`,
    });
    return {
      station,
      recipient: `|${command}`,
      arrived: () =>
        (existsSync(got) ? readdirSync(got).sort() : []).map((name) => {
          const content = readFileSync(path.join(got, name), 'utf8');
          return { id: idOf(content), content };
        }),
      behave: (side) =>
        writeFileSync(
          path.join(dir, 'side'),
          `${{ takes: '0', 'puts off': '75', refuses: '1', broken: 'kill' }[side]}\n`,
        ),
    };
  },
};

/**
 * Returns a function that opens a station with a webhook. `login`: a login in its URL. The requests of one notification
 * count as one.
 */
function webhookCase(name: string, format: string, login = ''): ChannelCase['open'] {
  return async (t, options) => {
    const receiver = await openReceiver(t);
    const vendor = format in vendors ? vendors[format as VendorFormat]() : null;
    const url = vendor?.url(receiver.origin) ?? `http://${login}127.0.0.1:${receiver.port}/T0KEN`;
    const named = `<webhook name="${name}" format="${format}" url="${url}"/>`;
    const elements = elementsOf(options, named);
    const station = await stationFor(t, {
      storage: options.storage,
      elements,
      smtp: `${fallback} ${options.smtp ?? ''}`,
    });
    const got: Delivered[] = [];
    let side: OtherSide = 'takes';
    receiver.act((post) => {
      const { headers, body } = post;
      const answer = vendor?.answer(post, 'takes') ?? { status: 202 };
      if (headers['idempotency-key'] === undefined) return answer;
      if (side === 'puts off') return { status: 500 };
      if (side === 'refuses') return { status: 404, body: 'no such channel' };
      const [id = '', number = '1'] = String(headers['idempotency-key']).split(' ');
      const before = number === '1' ? undefined : got.pop();
      got.push({ id, content: `${before?.content ?? ''}${body}\n` });
      return side === 'broken' ? (socket) => void socket.resetAndDestroy() : answer;
    });
    return { station, recipient: `webhook:${name}`, arrived: () => got, behave: (now) => void (side = now) };
  };
}

/** The files of `outbox/`, without a mail server. A folder refuses no file. */
const fileCase: ChannelCase = {
  name: 'file',
  can: ['takes'],
  hasCap: false,
  open: async (t, options) => {
    const elements = elementsOf(options, '<mail to="ops@example.org"/>');
    const station = await stationFor(t, { storage: options.storage, elements, smtp: null });
    const taken = tempFolder(t);
    const got: Delivered[] = [];
    const outboxes = ['mon-1', 'mon-2'].map((machine) => path.join(station.dir, machine, 'state', 'outbox'));
    const take = (outbox: string): void => {
      if (!existsSync(outbox) || !statSync(outbox).isDirectory()) return;
      const files = readdirSync(outbox).map((name) => ({ name, madeMs: statSync(path.join(outbox, name)).mtimeMs }));
      for (const { name } of files.sort((one, other) => one.madeMs - other.madeMs)) {
        const content = readFileSync(path.join(outbox, name), 'utf8');
        renameSync(path.join(outbox, name), path.join(taken, `${got.length}-${name}`));
        got.push({ id: idOf(content), content });
      }
    };
    return {
      station,
      recipient: 'ops@example.org',
      arrived: () => {
        outboxes.forEach(take);
        return got;
      },
      behave: () => undefined,
    };
  },
};

interface PostedAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly endsAt: string;
}

/** An Alertmanager that reports the changes of each post. test/wide/ has tests with a real Alertmanager. */
const alertmanagerCase: ChannelCase = {
  name: 'alertmanager',
  takesState: true,
  hasCap: false,
  can: all,
  open: async (t, options) => {
    const receiver = await openReceiver(t);
    const named = `<alertmanager url="${receiver.origin}"/>`;
    const elements = elementsOf(options, '', named);
    const station = await stationFor(t, { storage: options.storage, elements, smtp: options.smtp ?? '' });
    const got: Delivered[] = [];
    const firing = new Set<string>();
    let side: OtherSide = 'takes';
    receiver.act((post) => {
      if (side === 'puts off') return { status: 500 };
      if (side === 'refuses') return { status: 400, body: 'no such channel' };
      const changes = changesOf(post, firing, station.nowMs());
      if (changes.length > 0) got.push({ id: String(got.length), content: post.body, sentence: changes.join(', ') });
      return side === 'broken' ? (socket) => void socket.resetAndDestroy() : { status: 200 };
    });
    return {
      station,
      recipient: '',
      arrived: () => got,
      behave: (now) => void (side = now),
      forget: () => firing.clear(),
    };
  },
};

/** Applies a post to the set of firing alerts. Returns the changes. */
function changesOf({ body }: ReceivedPost, firing: Set<string>, nowMs: number): readonly string[] {
  return (JSON.parse(body) as readonly PostedAlert[]).flatMap(({ labels, endsAt }) => {
    const { severity = '', instance = '', alertname = '', subject = '' } = labels;
    const key = `${severity} ${instance} ${alertname} ${subject}`;
    const fires = Date.parse(endsAt) > nowMs;
    if (fires === firing.has(key)) return [];
    if (fires) firing.add(key);
    else firing.delete(key);
    return fires ? `firing ${key}` : `resolved ${instance} ${alertname} ${subject}`;
  });
}

/** Webhooks in the formats that only the wide tests use, because the channel is the same. */
const otherFormats: readonly ChannelCase[] = webhookFormats
  .filter((format) => format !== 'alertmanager' && format !== 'pagerduty')
  .map((format) => ({ name: `webhook of ${format}`, can: all, open: webhookCase('chat', format) }));

export const channelCases: readonly ChannelCase[] = [
  mailCase,
  commandCase,
  fileCase,
  { name: 'webhook', can: all, open: webhookCase('chat', 'alertmanager') },
  { name: 'webhook of incidents', keepsIncidents: true, can: all, open: webhookCase('page', 'pagerduty', 'R0UT1NG@') },
  alertmanagerCase,
  ...(isWide ? otherFormats : []),
];

/**
 * The cases for each further database. Without `isWide` two suffice, because a channel does the same on each database;
 * no database knows the format of a webhook.
 */
export const casesOnServers: readonly ChannelCase[] = isWide
  ? channelCases.filter((one) => !otherFormats.includes(one))
  : channelCases.filter(({ name }) => name === 'mail' || name === 'webhook of incidents');
