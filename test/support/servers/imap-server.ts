/** A mail store that speaks as much IMAP as a reader needs. A test can cut its connections at any byte. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';

import type { KeyPair } from './certificates.ts';

export interface StoredMessage {
  readonly uid: number;
  readonly arrivedAtMs: number;
  /** The message; lines end with LF or CRLF. */
  readonly source: string;
}

export interface ImapServer {
  readonly port: number;
  readonly username: string;
  readonly password: string;
  /** The messages of INBOX, in the order of their ids. */
  readonly messages: StoredMessage[];
  /** The messages of the folder Junk. */
  readonly junk: StoredMessage[];
  uidValidity: number;
  /** Ends each connection after this many sent bytes; null for never. */
  cutAfterBytes: number | null;
  /** Returns the number of bytes sent on the newest connection. */
  sentBytes(): number;
  /** Returns the answer in place of the usual one: `NO words`, or `stall` for none at all. */
  act: ((command: string) => string | undefined) | null;
  /** Returns what is sent in place of an answer. `command` is '' for the greeting. */
  alter: ((answer: string, command: string) => string) | null;
  /** The received commands, without their tags. */
  readonly commands: string[];
  /** Stores a message that arrives now, or at this time. Returns its id. */
  deliver(source: string, arrivedAtMs?: number): number;
  stop(): Promise<void>;
}

export interface ImapServerOptions {
  readonly username?: string;
  readonly password?: string;
  /** The certificate for TLS from the first byte. */
  readonly certificate?: KeyPair;
  /** The certificate for TLS after STARTTLS, which is offered then, and has to come before the login. */
  readonly startTls?: KeyPair;
}

/** Starts the server on 127.0.0.1. */
export async function startImapServer(options: ImapServerOptions = {}): Promise<ImapServer> {
  const { username = 'fleet', password = 'correct horse "battery"', certificate, startTls } = options;
  const sockets = new Set<Socket>();
  let sent = 0;
  const server = createServer((plain) => {
    sockets.add(plain);
    plain.on('error', () => undefined);
    plain.on('close', () => sockets.delete(plain));
    const secured = (to: KeyPair): Socket => {
      const made = new TLSSocket(plain, { isServer: true, secureContext: createSecureContext(to) });
      made.on('error', () => undefined);
      return made;
    };
    let socket = certificate === undefined ? plain : secured(certificate);
    sent = 0;
    const say = (text: string): void => {
      const bytes = Buffer.from(text);
      const left = imap.cutAfterBytes === null ? bytes.length : imap.cutAfterBytes - sent;
      sent += Math.min(bytes.length, Math.max(0, left));
      if (left > bytes.length || imap.cutAfterBytes === null) socket.write(bytes);
      else if (!socket.writableEnded) socket.end(bytes.subarray(0, Math.max(0, left)));
    };
    const startsTls = startTls === undefined ? null : (): Socket => (socket = secured(startTls));
    converse(imap, socket, { say, startsTls });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const imap: ImapServer = {
    port: (server.address() as AddressInfo).port,
    ...{
      username,
      password,
      messages: [],
      junk: [],
      uidValidity: 1_700_000_000,
      cutAfterBytes: null,
      act: null,
      alter: null,
      commands: [],
    },
    sentBytes: () => sent,
    deliver: (source, arrivedAtMs = Date.now()) => {
      const uid = (imap.messages.at(-1)?.uid ?? 0) + 1;
      imap.messages.push({ uid, arrivedAtMs, source });
      return uid;
    },
    stop: async () => {
      if (!server.listening) return;
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return imap;
}

interface Line {
  readonly say: (text: string) => void;
  /** Begins TLS and returns its socket; null if it is not offered, or has begun. */
  readonly startsTls: (() => Socket) | null;
}

function converse(imap: ImapServer, socket: Socket, { say, startsTls }: Line, isGreeted = false): void {
  const tell = (text: string, command: string): void => say(imap.alter?.(text, command) ?? text);
  if (!isGreeted) tell('* OK ready\r\n', '');
  let rest = '';
  let open = imap.messages;
  /** The tag of a login whose credentials have not arrived yet. */
  let login: string | null = null;
  socket.on('data', (chunk) => {
    const lines = (rest + chunk.toString('latin1')).split('\r\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const whole: string = login === null ? line : `${login} AUTHENTICATE PLAIN ${line}`;
      const [, tag = '*', command = ''] = /^(\S+) (.*)$/.exec(whole) ?? [];
      login = /^AUTHENTICATE PLAIN$/i.test(command) ? tag : null;
      if (login !== null) {
        say('+ \r\n');
        continue;
      }
      imap.commands.push(command);
      if (/^EXAMINE/i.test(command)) open = /Junk/.test(command) ? imap.junk : imap.messages;
      if (startsTls !== null && /^STARTTLS$/i.test(command)) {
        tell(`${tag} OK begin\r\n`, command);
        socket.removeAllListeners('data');
        converse(imap, startsTls(), { say, startsTls: null }, true);
        return;
      }
      const acted = imap.act?.(command);
      if (acted === 'stall') return;
      tell(
        acted === undefined
          ? answer({ ...imap, messages: open }, tag, command, startsTls !== null)
          : `${tag} ${acted}\r\n`,
        command,
      );
      if (/^LOGOUT/i.test(command)) socket.end();
    }
  });
}

function answer(imap: ImapServer, tag: string, command: string, isPlain: boolean): string {
  const done = `${tag} OK done\r\n`;
  const [word = '', argument = ''] = /^((?:UID )?\S+) ?(.*)$/.exec(command)?.slice(1) ?? [];
  switch (word.toUpperCase()) {
    case 'CAPABILITY':
      return `* CAPABILITY IMAP4rev1 ${isPlain ? 'STARTTLS LOGINDISABLED' : 'AUTH=PLAIN'}\r\n${done}`;
    case 'AUTHENTICATE': {
      const [, user, password] = Buffer.from(argument.split(' ')[1] ?? '', 'base64')
        .toString()
        .split('\0');
      const isRight = user === imap.username && password === imap.password;
      return isRight ? done : `${tag} NO [AUTHENTICATIONFAILED] no such login: ${command} / ${password}\r\n`;
    }
    case 'LIST':
    case 'LSUB':
      if (argument.endsWith('""')) return `* ${word} () "/" ""\r\n${done}`;
      return `* ${word} () "/" INBOX\r\n* ${word} (\\Junk) "/" Junk\r\n${done}`;
    case 'EXAMINE': {
      const next = (imap.messages.at(-1)?.uid ?? 0) + 1;
      const facts = [
        `${imap.messages.length} EXISTS`,
        `OK [UIDVALIDITY ${imap.uidValidity}] it`,
        `OK [UIDNEXT ${next}] it`,
      ];
      return `${facts.map((fact) => `* ${fact}\r\n`).join('')}${tag} OK [READ-ONLY] done\r\n`;
    }
    case 'UID SEARCH':
      return `* SEARCH${search(imap, argument)
        .map((uid) => ` ${uid}`)
        .join('')}\r\n${done}`;
    case 'UID FETCH':
      return `${fetched(imap, argument)}${done}`;
    case 'LOGOUT':
      return `* BYE bye\r\n${done}`;
    default:
      return `${tag} BAD what is ${word}\r\n`;
  }
}

function search({ messages }: ImapServer, query: string): readonly number[] {
  const from = /^UID (\d+):\*$/.exec(query)?.[1];
  const [, since, subject = ''] = /^SINCE (\S+)(?: SUBJECT "(.*)")?$/.exec(query) ?? [];
  const last = messages.at(-1)?.uid;
  return messages.flatMap(({ uid, arrivedAtMs, source }) => {
    if (!/^subject:.*/im.exec(source)?.[0].includes(subject)) return [];
    if (from !== undefined) return uid >= Number(from) || uid === last ? uid : [];
    return since !== undefined && arrivedAtMs >= Date.parse(`${since} 00:00 UTC`) ? uid : [];
  });
}

function fetched({ messages }: ImapServer, argument: string): string {
  const [, ids = '', most = 'Infinity'] = /^(\S+) .*<0\.(\d+)>/.exec(argument) ?? [];
  const wanted = new Set(
    ids.split(',').flatMap((range) => {
      const [from = 0, to = from] = range.split(':').map(Number);
      return Array.from({ length: to - from + 1 }, (_, index) => from + index);
    }),
  );
  return messages
    .map(({ uid, arrivedAtMs, source }, index) => {
      if (!wanted.has(uid)) return '';
      const text = source.replace(/\r?\n/g, '\r\n').slice(0, Number(most));
      const facts = `UID ${uid} INTERNALDATE "${internalDate(arrivedAtMs)}"`;
      return `* ${index + 1} FETCH (${facts} BODY[]<0> {${Buffer.byteLength(text)}}\r\n${text})\r\n`;
    })
    .join('');
}

/** Formats a time as an INTERNALDATE: ` 2-Nov-2026 08:00:00 +0000`. */
function internalDate(atMs: number): string {
  const [, day = '', month, year, time] = new Date(atMs).toUTCString().split(' ');
  return `${String(Number(day)).padStart(2)}-${month}-${year} ${time} +0000`;
}
