/**
 * Makes the checks of servers (http, tcp, dns). Tells facts, which src/report/checks/servers.ts judges, so that the
 * shell agent (agent/capture/servers.sh) only has to tell the same ones.
 */
import type { Socket } from 'node:net';

import { valuesOf, type ServerKind } from '../../src/report/server-checks.ts';
import { errorCode, messageOf } from '../probes/source.ts';
import { within } from '../probes/within.ts';
import { askDns } from './ask-dns.ts';
import { askHttp } from './ask-http.ts';
import { maxFactChars, optionOf, tell, type Asking } from './asking.ts';
import { dial } from './dial.ts';
import type { CheckOutcome } from './run-check.ts';

/** The pause before the second try. */
const pauseMs = 1000;
/** The most bytes that are read of a server's answer to a check of tcp. */
const maxTcpBytes = 4096;

const askers: Readonly<Record<ServerKind, (asking: Asking) => Promise<void>>> = {
  http: askHttp,
  tcp: askTcp,
  dns: askDns,
};

/**
 * Asks a server, and asks it once more a second later if nothing answered. Returns the facts; the status is 1 if no
 * answer came.
 */
export async function askServer([kind, ...words]: readonly string[], allowedMs: number): Promise<CheckOutcome> {
  const endMs = performance.now() + allowedMs;
  const wants = words.filter((word) => /^(status|slow|warning|critical|verify|expect|type|name)=/.test(word));
  const earlier: string[] = [];
  for (;;) {
    const leftMs = endMs - performance.now();
    const asking: Asking = { words, endMs, facts: [], closers: [], step: 'name' };
    const beganMs = performance.now();
    const asked = askers[kind as ServerKind](asking).then(
      () => '',
      (error: unknown) => {
        const [code, message] = [errorCode(error), messageOf(error)];
        return `${asking.step} ${code === message ? '' : `${code} `}${message}`;
      },
    );
    const fault = (await within(asked, leftMs)) ?? `${asking.step} timeout`;
    tell(asking, 'seconds', (performance.now() - beganMs) / 1000);
    for (const close of asking.closers) close();
    const isUnanswered = fault !== '' && !/^(body|missing)/.test(fault) && endMs - performance.now() > pauseMs * 1.5;
    if (isUnanswered && earlier.length === 0) {
      earlier.push(`first=${factText(fault)}`);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      continue;
    }
    const lines = [
      ...wants.map((word) => `want=${word}`),
      `allowed=${Math.round(allowedMs / 1000)}`,
      ...earlier,
      ...(fault === '' ? [] : [`fault=${factText(fault)}`]),
      ...asking.facts,
    ];
    return { exit: fault === '' ? 0 : 1, why: null, output: Buffer.from(lines.join('\n')), hanging: null };
  }
}

function factText(text: string): string {
  return text.replace(/[\r\n]+/g, ' ').slice(0, maxFactChars);
}

/** Connects, sends a text and waits for another one. */
async function askTcp(asking: Asking): Promise<void> {
  const target = optionOf(asking, 'connect');
  const servername = optionOf(asking, 'servername') || target.replace(/:\d+$/, '');
  const socket = await dial(asking, { target, servername, isTls: optionOf(asking, 'tls') === 'yes' });
  const [send, ...expected] = ['send', 'expect'].flatMap((option, at) =>
    at === 0 ? unescaped(optionOf(asking, option)) : valuesOf(asking.words, option).map(unescaped),
  );
  if (send !== undefined && send.length > 0) socket.write(send);
  if (expected.length === 0) return;
  asking.step = 'answer';
  const beganMs = performance.now();
  const came = await within(
    bytesUntil(socket, (bytes) => expected.every((text) => bytes.includes(text))),
    Math.max(0, asking.endMs - performance.now() - 20),
  );
  const bytes = came ?? soFar.get(socket) ?? Buffer.alloc(0);
  if (bytes.length === 0) throw new Error(came === null ? 'timeout' : 'closed without an answer');
  tell(asking, 'first_byte', (performance.now() - beganMs) / 1000);
  tell(asking, 'bytes', String(bytes.length));
  tell(asking, 'begins', bytes.subarray(0, maxFactChars).toString());
  const lacking = valuesOf(asking.words, 'expect').filter((text) => !bytes.includes(unescaped(text)));
  for (const text of lacking) tell(asking, 'lacks', text);
}

/** The bytes of answers that have not ended. */
const soFar = new WeakMap<Socket, Buffer>();

/** Returns the bytes of a socket as soon as they are enough, or the answer ends. */
function bytesUntil(socket: Socket, isEnough: (bytes: Buffer) => boolean): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]).subarray(0, maxTcpBytes);
      soFar.set(socket, bytes);
      if (bytes.length === maxTcpBytes || isEnough(bytes)) resolve(bytes);
    });
    socket.on('error', (error) => (bytes.length === 0 ? reject(error) : resolve(bytes)));
    socket.on('close', () => resolve(bytes));
  });
}

/** Returns the bytes of a text with `\r`, `\n`, `\t`, `\\` and `\xNN`. */
function unescaped(text: string): Buffer {
  const signs: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', '\\': '\\' };
  const bytes = Buffer.from(text).toString('latin1');
  const plain = bytes.replace(/\\(?:x([\da-f]{2})|([rnt\\]))/gi, (_, hex?: string, sign = '') =>
    hex === undefined ? (signs[sign as string] ?? '') : String.fromCharCode(parseInt(hex, 16)),
  );
  return Buffer.from(plain, 'latin1');
}
