/** A mail server that acts as a test requires, and records what it received. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';

import type { KeyPair } from './certificates.ts';

export type SmtpPhase = 'greeting' | 'ehlo' | 'starttls' | 'auth' | 'mail' | 'rcpt' | 'data' | 'dot' | 'rset' | 'quit';

/** An act in place of the usual answer. A text is sent as it is, with line ends added. */
export type SmtpAct =
  | string
  /** Sends nothing any more, but reads on. */
  | { readonly kind: 'stall' }
  /** Sends the answer after a delay, and goes on. */
  | { readonly kind: 'later'; readonly say: string; readonly afterMs: number }
  /** Ends the connection, after sending the text. */
  | { readonly kind: 'close'; readonly say?: string }
  | { readonly kind: 'reset' }
  /** Ends the server's side of the connection alone. */
  | { readonly kind: 'half-close' }
  /** Sends one character at a time without end. Starts again at the end of the text. */
  | { readonly kind: 'drip'; readonly text: string; readonly everyMs: number }
  /** Sends the text without end. */
  | { readonly kind: 'flood'; readonly text: string };

export interface SmtpMoment {
  readonly phase: SmtpPhase;
  readonly line: string;
  /** The number of the connection, from 1. */
  readonly connection: number;
  readonly encrypted: boolean;
}

export interface ReceivedMail {
  readonly from: string;
  readonly to: string;
  readonly content: string;
  readonly encrypted: boolean;
  /** The credentials of AUTH; null if none came. */
  readonly credentials: string | null;
  readonly connection: number;
}

export interface SmtpServer {
  readonly port: number;
  /** The accepted mails, in the order of acceptance. */
  readonly mails: readonly ReceivedMail[];
  /** Every received line outside mails, as `connection:line`. */
  readonly lines: readonly string[];
  connections(): number;
  /** Returns the number of connections that have not ended. */
  open(): number;
  stop(): Promise<void>;
}

export interface SmtpServerOptions {
  /** Returns the act in place of the usual answer; undefined for the usual one. */
  readonly act?: (moment: SmtpMoment) => SmtpAct | undefined;
  /** The certificate for `implicit` or for STARTTLS, which is offered if it is given. */
  readonly certificate?: KeyPair;
  /** True for TLS from the first byte. */
  readonly implicit?: boolean;
  /** The extensions of the answer to EHLO, in addition to STARTTLS. AUTH is offered by default. */
  readonly extensions?: readonly string[];
  /** The port, for a server that is started again. Default: a port that the kernel chooses. */
  readonly port?: number;
}

/** Starts the server on 127.0.0.1. */
export async function startSmtpServer(options: SmtpServerOptions = {}): Promise<SmtpServer> {
  const sockets = new Set<Socket>();
  const record: Record = { mails: [], lines: [] };
  let connections = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    const { certificate, implicit } = options;
    const wire = implicit === true && certificate !== undefined ? secured(socket, certificate) : socket;
    converse({ wire, number: connections, options, record, encrypted: implicit === true });
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    mails: record.mails,
    lines: record.lines,
    connections: () => connections,
    open: () => sockets.size,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}

interface Record {
  readonly mails: ReceivedMail[];
  readonly lines: string[];
}

interface Conversation {
  readonly wire: Socket;
  readonly number: number;
  readonly options: SmtpServerOptions;
  readonly record: Record;
  readonly encrypted: boolean;
  /** True after STARTTLS: the server does not send its greeting again. */
  readonly greeted?: boolean;
}

function secured(socket: Socket, { key, cert }: KeyPair): TLSSocket {
  const wire = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext({ key, cert }) });
  wire.on('error', () => socket.destroy());
  return wire;
}

function converse(conversation: Conversation): void {
  const { wire, number, options, record, encrypted } = conversation;
  const { act = () => undefined, certificate, extensions = ['PIPELINING', '8BITMIME', 'SIZE 1000000'] } = options;
  let rest = '';
  // True if nothing is read any more, or another conversation reads.
  const state = { deaf: false };
  const isDeaf = (): boolean => state.deaf;
  let content: string | null = null;
  let envelope = { from: '', to: '' };
  let credentials: string | null = null;
  let challenged = false;

  const answer = (phase: SmtpPhase, line: string, usual: string): string => {
    const notified = act({ phase, line, connection: number, encrypted }) ?? usual;
    if (typeof notified === 'string') {
      wire.write(`${notified}\r\n`);
      return notified;
    }
    state.deaf = notified.kind !== 'later';
    perform(wire, notified);
    return '';
  };
  const upgrade = (): void => {
    if (certificate === undefined) return;
    state.deaf = true;
    wire.removeAllListeners('data');
    converse({ ...conversation, wire: secured(wire, certificate), encrypted: true, greeted: true });
  };
  const take = (line: string): void => {
    record.lines.push(`${number}:${line}`);
    const verb = (/^[A-Za-z]+/.exec(line)?.[0] ?? '').toUpperCase();
    if (challenged) {
      credentials = Buffer.from(line, 'base64').toString();
      challenged = !answer('auth', line, '235 2.7.0 ok').startsWith('235');
    } else if (verb === 'EHLO') {
      const offered = [...(certificate === undefined || encrypted ? [] : ['STARTTLS']), 'AUTH PLAIN', ...extensions];
      const lines = ['mail.example.org', ...offered];
      answer('ehlo', line, lines.map((one, at) => `250${at === lines.length - 1 ? ' ' : '-'}${one}`).join('\r\n'));
    } else if (verb === 'HELO') answer('ehlo', line, '250 mail.example.org');
    else if (verb === 'STARTTLS') {
      if (answer('starttls', line, certificate === undefined ? '502 no' : '220 go ahead').startsWith('220')) upgrade();
    } else if (verb === 'AUTH') {
      credentials = Buffer.from(line.split(' ')[2] ?? '', 'base64').toString();
      challenged = answer('auth', line, '235 2.7.0 ok').startsWith('334');
    } else if (verb === 'MAIL') {
      envelope = { from: /<(.*?)>/.exec(line)?.[1] ?? '', to: '' };
      answer('mail', line, '250 2.1.0 ok');
    } else if (verb === 'RCPT') {
      const isTaken = answer('rcpt', line, '250 2.1.5 ok').startsWith('2');
      if (isTaken) envelope = { ...envelope, to: /<(.*?)>/.exec(line)?.[1] ?? '' };
    } else if (verb === 'DATA') {
      const usual = envelope.to === '' ? '554 5.5.1 no valid recipients' : '354 go ahead';
      if (answer('data', line, usual).startsWith('354')) content = '';
    } else if (verb === 'RSET') answer('rset', line, '250 2.0.0 ok');
    else if (verb === 'QUIT') {
      answer('quit', line, '221 2.0.0 bye');
      if (!state.deaf) wire.end();
    } else answer('quit', line, '500 5.5.2 what?');
  };
  const takeContent = (line: string): void => {
    if (line !== '.') {
      content = `${content ?? ''}${line.replace(/^\./, '')}\r\n`;
      return;
    }
    const mail = { ...envelope, content: content ?? '', encrypted, credentials, connection: number };
    content = null;
    // Recorded before the answer is sent: the test decides what happens to the answer.
    if (answerOfDot(mail).startsWith('2')) record.mails.push(mail);
  };
  const answerOfDot = (mail: ReceivedMail): string => answer('dot', mail.content, '250 2.0.0 taken');

  wire.on('data', (chunk) => {
    if (isDeaf()) return;
    const lines = (rest + chunk.toString('latin1')).split('\r\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (isDeaf()) return;
      if (content === null) take(line);
      else takeContent(line);
    }
  });
  wire.on('end', () => wire.end());
  if (conversation.greeted !== true) answer('greeting', '', '220 mail.example.org ESMTP');
}

function perform(wire: Socket, act: Exclude<SmtpAct, string>): void {
  if (act.kind === 'close') wire.end(act.say === undefined ? '' : `${act.say}\r\n`, () => wire.destroy());
  else if (act.kind === 'reset') wire.resetAndDestroy();
  else if (act.kind === 'half-close') wire.end();
  else if (act.kind === 'later') setTimeout(() => wire.write(`${act.say}\r\n`), act.afterMs);
  else if (act.kind === 'flood') flood(wire, act.text);
  else if (act.kind === 'drip') drip(wire, act.text, act.everyMs);
}

function flood(wire: Socket, text: string): void {
  const more = (): void => {
    while (!wire.destroyed && wire.write(text));
  };
  wire.on('drain', more);
  more();
}

function drip(wire: Socket, text: string, everyMs: number): void {
  let at = 0;
  const timer = setInterval(() => {
    if (wire.destroyed) clearInterval(timer);
    else wire.write(text.charAt(at++ % text.length));
  }, everyMs);
  wire.once('close', () => clearInterval(timer));
}
