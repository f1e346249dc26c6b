/** The channels of notifications, each with another side that takes, puts off, refuses and breaks off. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';

import { openReceiver } from '../../support/http-receiver.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { idOf, stationFor, type Station, type StationOptions } from './station.ts';

/** `broken`: takes all of it, and breaks off before the answer. */
export type OtherSide = 'takes' | 'puts off' | 'refuses' | 'broken';

export interface Delivered {
  readonly id: string;
  readonly content: string;
}

/** A station with a recipient, and the other side of its channel. */
export interface ChannelSite {
  readonly station: Station;
  /** The recipient in `mails`. */
  readonly recipient: string;
  /** Everything that the other side has got to the end, whatever it answered, in order. */
  arrived(): readonly Delivered[];
  behave(side: OtherSide): void;
}

export interface ChannelCase {
  readonly name: string;
  /** True if the other side keeps a state of each alert, so that an acknowledgement is told by itself. */
  readonly keepsIncidents?: boolean;
  /** Opens a station whose <alerts> names the channel alone. `inside`: more of <alerts>; `clients`: after it. */
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

const fallback = 'fallback="root@example.org"';

const mailCase: ChannelCase = {
  name: 'mail',
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
  open: async (t, options) => {
    const dir = tempFolder(t);
    const got = path.join(dir, 'got');
    mkdirSync(got);
    const command = path.join(dir, 'page');
    const script = `#!/bin/sh
n=$(ls ${got} | wc -l)
side=$(cat ${dir}/side 2>/dev/null)
[ "$side" = 75 ] && exit 75
[ "$side" = 1 ] && { echo "no such pager" >&2; exit 1; }
cat > ${dir}/part && mv ${dir}/part ${got}/$(printf %04d "$n")
[ "$side" = kill ] && kill -9 $$
exit 0
`;
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
        writeFileSync(path.join(dir, 'side'), { takes: '0', 'puts off': '75', refuses: '1', broken: 'kill' }[side]),
    };
  },
};

/** A webhook; `login`: a login in its URL. The requests of one notification count as one. */
function webhookCase(name: string, format: string, login = ''): ChannelCase['open'] {
  return async (t, options) => {
    const receiver = await openReceiver(t);
    const url = `http://${login}127.0.0.1:${receiver.port}/T0KEN`;
    const named = `<webhook name="${name}" format="${format}" url="${url}"/>`;
    const elements = elementsOf(options, named);
    const station = await stationFor(t, {
      storage: options.storage,
      elements,
      smtp: `${fallback} ${options.smtp ?? ''}`,
    });
    const got: Delivered[] = [];
    let side: OtherSide = 'takes';
    receiver.act(({ headers, body }) => {
      if (side === 'puts off') return { status: 500 };
      if (side === 'refuses') return { status: 404, body: 'no such channel' };
      const [id = '', number = '1'] = String(headers['idempotency-key']).split(' ');
      const before = number === '1' ? undefined : got.pop();
      got.push({ id, content: `${before?.content ?? ''}${body}\n` });
      return side === 'broken' ? (socket) => void socket.resetAndDestroy() : { status: 202 };
    });
    return { station, recipient: `webhook:${name}`, arrived: () => got, behave: (now) => void (side = now) };
  };
}

export const channelCases: readonly ChannelCase[] = [
  mailCase,
  commandCase,
  { name: 'webhook', open: webhookCase('chat', 'alertmanager') },
  { name: 'webhook of incidents', keepsIncidents: true, open: webhookCase('page', 'pagerduty', 'R0UT1NG@') },
];
