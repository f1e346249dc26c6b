/** The instants at which a program sends to a database or a mail server, or receives from one. */
import { Socket } from 'node:net';

import type { AtInstant } from './kill-hook.ts';

interface Writable {
  write: (this: Socket, ...args: unknown[]) => boolean;
  push: (this: Socket, chunk: unknown, ...rest: unknown[]) => boolean;
}

/** The protocol of a socket. SSH is encrypted, so that its packets all look alike. A pipe has no protocol. */
type Talk = 'mysql' | 'smtp' | 'ssh' | 'http' | 'pipe';

const http = /^(?:POST|GET|HTTP)[ /]/;
/** The size of an acknowledgement, which `receive` writes to a pipe. */
const acknowledgementBytes = 16;

export function watchSockets(atInstant: AtInstant): void {
  const talks = new WeakMap<Socket, Talk>();
  const prototype = Socket.prototype as unknown as Writable;
  const { write, push } = prototype;
  prototype.write = function (this: Socket, ...args) {
    const bytes = Buffer.isBuffer(args[0]) ? args[0] : Buffer.from(String(args[0]));
    if (http.test(bytes.toString('latin1', 0, 5))) talks.set(this, 'http');
    const talk = talks.get(this) ?? (this.remotePort === undefined ? 'pipe' : 'ssh');
    return atInstant(saidIn(talk, bytes), () => write.apply(this, args));
  };
  prototype.push = function (this: Socket, chunk, ...rest) {
    if (!Buffer.isBuffer(chunk)) return push.call(this, chunk, ...rest);
    if (!talks.has(this)) talks.set(this, talkBeginningWith(chunk));
    if (talks.get(this) !== 'smtp') return push.call(this, chunk, ...rest);
    return atInstant(`smtp-answer ${chunk.toString('latin1', 0, 3)}`, () => push.call(this, chunk, ...rest));
  };
}

/**
 * Returns the protocol by the first bytes received. In all protocols but HTTP the server sends first, or at the same
 * time.
 */
function talkBeginningWith(chunk: Buffer): Talk {
  const text = chunk.toString('latin1', 0, 4);
  if (http.test(chunk.toString('latin1', 0, 5))) return 'http';
  if (text.startsWith('220')) return 'smtp';
  return text.startsWith('SSH-') ? 'ssh' : 'mysql';
}

const comQuery = 0x03;
const comPrepare = 0x16;
const comExecute = 0x17;

function saidIn(talk: Talk, bytes: Buffer): string {
  if (talk === 'ssh') return 'ssh-send';
  if (talk === 'http') return 'http-send';
  if (talk === 'pipe') return bytes.length === acknowledgementBytes ? 'acknowledge' : 'say';
  if (talk === 'mysql') {
    const words = (): string => bytes.toString('latin1', 5, 40).trim().split(/[\s(]/)[0] ?? '';
    if (bytes[4] === comQuery) return `mysql ${words().toUpperCase()}`;
    if (bytes[4] === comPrepare) return 'mysql prepare';
    return bytes[4] === comExecute ? 'mysql execute' : 'mysql other';
  }
  const verb = /^(EHLO|MAIL|RCPT|DATA|RSET|QUIT)\b/.exec(bytes.toString('latin1', 0, 8))?.[1];
  if (verb !== undefined) return `smtp ${verb}`;
  return bytes.toString('latin1').endsWith('\r\n.\r\n') || bytes.toString('latin1') === '.\r\n'
    ? 'smtp dot'
    : 'smtp content';
}
