/** The part of the hostile server that speaks SSH, and the list of its faults. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';

import ssh2 from 'ssh2';
import type { AuthContext, Connection, ServerChannel } from 'ssh2';

import { generateHostKey } from '../../../src/simulator/loopback-server.ts';
import { publicBlobOf } from './ssh2-server.ts';

export type HostileMode =
  /** TCP alone: accepts and sends nothing; closes at once; sends noise; or sends lines without end before `SSH-`. */
  | 'silent'
  | 'close-at-once'
  | 'noise'
  | 'tarpit'
  /** Greets as a mail server does, and waits. */
  | 'smtp'
  /** Floods before `SSH-`: one line without end, or lines without end. */
  | 'endless-line'
  | 'endless-lines'
  /** Sends its version line, then a packet of 2 GiB, or a key exchange that requires compression. */
  | 'huge-packet'
  | 'zlib-only'
  /** Sends its version line, then nothing; or also its half of the key exchange, then nothing, or closes. */
  | 'banner-only'
  | 'kexinit-only'
  | 'kexinit-close'
  /** Shows a host key that it cannot prove. */
  | 'stolen-host-key'
  /**
   * Login: never answered, without and with a text before; closed; ended with a DISCONNECT; asked for a code; refused
   * as the password has expired.
   */
  | 'login-silent'
  | 'login-browser'
  | 'login-close'
  | 'login-disconnect'
  | 'login-asks-code'
  | 'login-expired'
  /** Accepts any login. The channel is never confirmed, or refused; the command is never confirmed, or refused. */
  | 'channel-silent'
  | 'channel-refused'
  | 'exec-silent'
  | 'exec-refused'
  /**
   * Confirms the command. Then it sends nothing; opens no window; opens a window after 400 ms; closes; or sends half a
   * kilobyte and closes.
   */
  | 'agent-silent'
  | 'no-window'
  | 'late-window'
  | 'agent-close'
  | 'agent-half'
  /** Sends output without end: within the window, or ignoring the window. */
  | 'endless'
  | 'endless-stderr'
  | 'flood'
  /** Answers everything: with lines before the version line; or with channel numbers from 1, which is allowed. */
  | 'greeting'
  | 'numbers-from-one';

/** Returns a server that gets its sockets by `injectSocket`. It adds the input of channels to `received`. */
export function hostileSsh(
  mode: HostileMode,
  pem: string,
  received: Buffer[],
  timers: Set<NodeJS.Timeout>,
): ssh2.Server {
  const hostKeys = [mode === 'stolen-host-key' ? ({ key: stolenKey(pem) } as never) : pem];
  const config = { hostKeys, ...textsOf(mode) };
  return new ssh2.Server(config, (client) => {
    client.on('error', () => undefined);
    if (mode === 'numbers-from-one') (client as unknown as Inside)._chanMgr.add(() => undefined);
    client.on('authentication', (attempt) => misbehaveInLogin(mode, client, attempt));
    client.on('session', (accept, reject) => {
      if (mode === 'channel-silent') return;
      if (mode === 'channel-refused') {
        reject();
        return;
      }
      if (mode === 'no-window' || mode === 'late-window') grantNoWindow(client);
      accept().on('exec', (acceptExec, rejectExec) => {
        if (mode === 'exec-silent') return;
        if (mode === 'exec-refused') rejectExec();
        else misbehaveInChannel(mode, client, acceptExec(), received, timers);
      });
    });
  });
}

function textsOf(mode: HostileMode): Pick<ssh2.ServerConfig, 'greeting' | 'banner'> {
  if (mode === 'greeting') return { greeting: 'Welcome.\r\nBe nice.' };
  const banner = `${'x'.repeat(5000)}\n#####\nTo log in, visit\u001b[31m\r\nhttps://login.example.org/a1b2\r\n\r\n`;
  return mode === 'login-browser' ? { banner } : {};
}

/** Signs with a key of its own, but shows the public half of another. */
function stolenKey(pem: string): ssh2.ParsedKey {
  const own = ssh2.utils.parseKey(generateHostKey());
  if (own instanceof Error) throw own;
  const shown = publicBlobOf(pem);
  own.getPublicSSH = () => shown;
  return own;
}

function misbehaveInLogin(mode: HostileMode, client: Connection, attempt: AuthContext): void {
  switch (mode) {
    case 'login-silent':
    case 'login-browser':
      return;
    case 'login-close':
      socketOf(client).destroy();
      return;
    case 'login-disconnect':
      // RFC 4253, section 11.1: 2 is PROTOCOL_ERROR, which OpenSSH sends after too many attempts.
      protocolOf(client).disconnect(2);
      return;
    case 'login-asks-code':
      if (attempt.method === 'keyboard-interactive') {
        attempt.prompt([{ prompt: 'Verification code: ', echo: false }], () => attempt.reject());
      } else attempt.reject(['keyboard-interactive']);
      return;
    case 'login-expired':
      if (attempt.method === 'password') attempt.requestChange('Your password has expired', () => attempt.reject());
      else attempt.reject(['password']);
      return;
    default:
      attempt.accept();
  }
}

function misbehaveInChannel(
  mode: HostileMode,
  client: Connection,
  channel: ServerChannel,
  received: Buffer[],
  timers: Set<NodeJS.Timeout>,
): void {
  channel.on('error', () => undefined);
  channel.on('data', (data: Buffer) => received.push(data));
  if (mode === 'late-window')
    timers.add(setTimeout(() => protocolOf(client).channelWindowAdjust(numberOf(channel), 65_536), 400));
  else if (mode === 'agent-close') socketOf(client).destroy();
  else if (mode === 'agent-half') channel.write(randomBytes(512), () => socketOf(client).destroySoon());
  else if (mode === 'greeting' || mode === 'numbers-from-one') {
    channel.write('ok\n');
    channel.exit(0);
    channel.end();
  } else if (mode === 'endless') writeForEver(channel);
  else if (mode === 'endless-stderr') writeForEver(channel.stderr);
  else if (mode === 'flood') {
    const timer = setInterval(() => {
      if (socketOf(client).destroyed) clearInterval(timer);
      else floodOnce(client, numberOf(channel));
    }, 1);
    timers.add(timer);
  }
}

/** Writes without end, as fast as the other end reads. */
export function writeForEver(stream: Writable): void {
  const more = (): void => {
    while (!stream.destroyed && stream.writable && stream.write(Buffer.alloc(65_536, 120)));
  };
  stream.on('drain', more);
  more();
}

/** The private parts of ssh2 that only a hostile server needs. */
interface Inside {
  readonly _sock: Socket;
  readonly _chanMgr: { add(nothing: () => void): number };
  readonly _protocol: {
    disconnect(reason: number): void;
    channelData(channel: number, data: Buffer): void;
    channelWindowAdjust(channel: number, bytes: number): void;
    channelOpenConfirm(remote: number, local: number, window: number, packetSize: number): void;
  };
}

function socketOf(client: Connection): Socket {
  return (client as unknown as Inside)._sock;
}

function protocolOf(client: Connection): Inside['_protocol'] {
  return (client as unknown as Inside)._protocol;
}

function grantNoWindow(client: Connection): void {
  const protocol = protocolOf(client);
  const confirm = protocol.channelOpenConfirm.bind(protocol);
  protocol.channelOpenConfirm = (remote, local, _window, packetSize) => confirm(remote, local, 0, packetSize);
}

/** Returns the number by which the other end knows a channel. OpenSSH does not count from 0. */
function numberOf(channel: ServerChannel): number {
  return (channel as unknown as { readonly outgoing: { readonly id: number } }).outgoing.id;
}

function floodOnce(client: Connection, channel: number): void {
  if (socketOf(client).writableLength > 1024 * 1024) return;
  for (let packet = 0; packet < 32; packet += 1) protocolOf(client).channelData(channel, Buffer.alloc(32_000, 120));
}
