/** Servers that send one kind of message without end, from one stage of a visit on, and read nothing after that. */
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';

import ssh2 from 'ssh2';
import type { Connection } from 'ssh2';

import { forwardConnections } from './ssh2-server.ts';

/** The stage at which the flood starts. A bastion forwards connections, and floods when the first is requested. */
export type FloodStage = 'exchange' | 'login' | 'question' | 'session' | 'command' | 'bastion';

export interface Flood {
  readonly stage: FloodStage;
  /** A message: its number and its body. Null for key exchanges, each started as soon as the last has ended. */
  readonly message: Buffer | null;
  /** The code and message that the visit ends with. */
  readonly ends: RegExp;
}

const u32 = (value: number): Buffer => Buffer.from([value >>> 24, value >>> 16, value >>> 8, value]);
const string = (text: string | Buffer): Buffer => Buffer.concat([u32(Buffer.byteLength(text)), Buffer.from(text)]);
const flag = (value: boolean): Buffer => Buffer.of(value ? 1 : 0);
const message = (number: number, ...parts: readonly Buffer[]): Buffer => Buffer.concat([Buffer.of(number), ...parts]);

const globalRequest = message(80, string('keepalive@openssh.com'), flag(true));
const open = (type: string, ...more: readonly Buffer[]): Buffer =>
  message(90, string(type), u32(7), u32(2 ** 21), u32(32_768), ...more);
const address = [string('127.0.0.1'), u32(22)] as const;
const forwarded = open('forwarded-tcpip', ...address, ...address);
const channelRequest = message(98, u32(0), string('keepalive@openssh.com'), flag(true));
const ignore = message(2, string('x'));
const question = message(60, string(''), string(''), string(''), u32(0));

const refused = /^connect-failed the connection broke: the server sends requests without end$/;
const broken = /^(?:handshake-(?:failed|closed)|bastion-failed) /;
const late = /^(?:auth-timeout|agent-timeout|handshake-timeout) /;

/**
 * The floods, by RFC 4252 to 4254. The first channel of a client has number 0. Floods that only a deadline ends come
 * last.
 */
export const floods = {
  'key exchanges': {
    stage: 'command',
    message: null,
    ends: /^connect-failed the connection broke: the server exchanges keys more than once a minute$/,
  },
  'key exchanges by a bastion': { stage: 'bastion', message: null, ends: broken },
  'requests before the login': { stage: 'login', message: globalRequest, ends: refused },
  'requests in a session': { stage: 'session', message: globalRequest, ends: refused },
  'requests by a bastion': { stage: 'bastion', message: globalRequest, ends: broken },
  'forwarded connections before the login': { stage: 'login', message: forwarded, ends: refused },
  'forwarded connections': { stage: 'command', message: forwarded, ends: refused },
  'forwarded connections by a bastion': { stage: 'bastion', message: forwarded, ends: broken },
  sessions: { stage: 'session', message: open('session'), ends: refused },
  'X11 connections': { stage: 'session', message: open('x11', ...address), ends: refused },
  'agent connections': { stage: 'command', message: open('auth-agent@openssh.com'), ends: refused },
  'requests of a channel': { stage: 'command', message: channelRequest, ends: refused },
  'requests of a channel by a bastion': { stage: 'bastion', message: channelRequest, ends: broken },
  'accepted services': { stage: 'login', message: message(6, string('ssh-userauth')), ends: /^auth-failed / },
  'refused logins': { stage: 'login', message: message(51, string('password'), flag(true)), ends: /^auth-failed / },
  'keys that would be taken': {
    stage: 'login',
    message: message(60, string('ssh-ed25519'), string('x')),
    ends: refused,
  },
  'questions without a question': { stage: 'question', message: question, ends: refused },
  // On a busy machine the flood does not reach the bound within its visit.
  output: {
    stage: 'command',
    message: message(94, u32(0), string('x')),
    ends: /^(?:agent-output|agent-timeout|visit-deadline) /,
  },
  'output by a bastion': { stage: 'bastion', message: message(94, u32(0), string('x'.repeat(8000))), ends: broken },
  'IGNORE before the login': { stage: 'login', message: ignore, ends: late },
  IGNORE: { stage: 'command', message: ignore, ends: late },
  UNIMPLEMENTED: { stage: 'command', message: message(3, u32(9)), ends: late },
  DEBUG: { stage: 'command', message: message(4, flag(true), string('x'), string('')), ends: late },
  EXT_INFO: {
    stage: 'login',
    message: message(7, u32(1), string('server-sig-algs'), string('rsa-sha2-256,'.repeat(900))),
    ends: late,
  },
  banners: { stage: 'login', message: message(53, string('Welcome.\r\n'), string('')), ends: late },
  'wider windows': { stage: 'command', message: message(93, u32(0), u32(2 ** 31)), ends: late },
  'output of other channels': {
    stage: 'command',
    message: message(94, u32(77), string('x'.repeat(8000))),
    ends: /^connect-failed the connection broke: the server sends data that no channel is open for$/,
  },
  'errors by a bastion': {
    stage: 'bastion',
    message: message(95, u32(0), u32(1), string('x'.repeat(8000))),
    ends: broken,
  },
  'exit statuses': {
    stage: 'command',
    message: message(98, u32(0), string('exit-status'), flag(false), u32(0)),
    // A shell that has ended is waited for some seconds, until its output ends too.
    ends: /^(?:auth-timeout|agent-timeout|handshake-timeout|no-shell) /,
  },
  confirmations: { stage: 'command', message: message(99, u32(0)), ends: late },
} as const satisfies Readonly<Record<string, Flood>>;

export type FloodName = keyof typeof floods;

/** Private parts of ssh2 that no honest server needs. */
interface Inside {
  readonly _sock: Socket;
  readonly _protocol: {
    readonly _cipher: { encrypt(packet: Buffer): void };
    readonly _packetRW: {
      readonly write: { readonly allocStart: number; alloc(bytes: number): Buffer; finalize(packet: Buffer): Buffer };
    };
  };
}

const nothing = { stage: 'command', message: Buffer.alloc(0) } as const;

/** Returns a server of one flood, or a bastion that only forwards. It gets its sockets by `injectSocket`. */
export function floodingServer(name: FloodName | 'none', hostKey: string): ssh2.Server {
  const { stage, message: flood } = name === 'none' ? nothing : floods[name];
  // The most expensive exchange that is accepted.
  const algorithms = flood === null ? { kex: ['diffie-hellman-group16-sha512' as const] } : {};
  return new ssh2.Server({ hostKeys: [hostKey], algorithms }, (client) => {
    const at = (reached: FloodStage): boolean => {
      if (reached !== stage || name === 'none') return false;
      if (flood === null) rekeyForEver(client);
      else void sendForEver(client, flood);
      return true;
    };
    client.on('error', () => undefined);
    client.on('authentication', (attempt) => {
      if (at('login')) return;
      if (stage !== 'question') attempt.accept();
      else if (attempt.method === 'keyboard-interactive') at('question');
      else attempt.reject(['keyboard-interactive']);
    });
    client.on('session', (accept) => {
      if (at('session')) return;
      accept().on('exec', (acceptExec) => {
        acceptExec().on('error', () => undefined);
        at('command');
      });
    });
    forwardConnections(client, () => at('bastion'));
  });
}

/** Sends a message repeatedly, as fast as the other end reads. */
async function sendForEver(client: Connection, payload: Buffer): Promise<void> {
  const { _sock: socket, _protocol: protocol } = client as unknown as Inside;
  socket.pause();
  while (!socket.destroyed && socket.writable) {
    for (let sent = 0; sent < 500 && socket.writableLength < 262_144; sent += 1) {
      const { write } = protocol._packetRW;
      const packet = write.alloc(payload.length);
      packet.set(payload, write.allocStart);
      protocol._cipher.encrypt(write.finalize(packet));
    }
    await turn();
  }
}

function rekeyForEver(client: Connection): void {
  client.rekey(() => rekeyForEver(client));
}
