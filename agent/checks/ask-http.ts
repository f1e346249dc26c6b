import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';

import { valuesOf } from '../../src/report/server-checks.ts';
import { optionOf, readNamed, tell, type Asking } from './asking.ts';
import { dial } from './dial.ts';

const maxBodyBytes = 1024 * 1024;
const maxHops = 10;
const maxHeaderFileChars = 8192;
/** The first bytes of a body that are told. */
const shownBytes = 200;

/** Asks a web server for a page, and follows redirects as the check allows. */
export async function askHttp(asking: Asking): Promise<void> {
  const first = new URL(optionOf(asking, 'url'));
  let url = first;
  for (let hops = 1; ; hops++) {
    const response = await answerOf(asking, url, first);
    const { statusCode = 0, headers } = response;
    const location = statusCode >= 300 && statusCode < 400 ? headers.location : undefined;
    const next = location === undefined ? null : nextOf(asking, url, location);
    if (next === null) {
      if (location !== undefined) tell(asking, 'location', location);
      tell(asking, 'status', `${statusCode} ${response.statusMessage ?? ''}`);
      asking.step = 'body';
      await readBody(asking, response);
      return;
    }
    response.destroy();
    tell(asking, 'hop', next.href);
    if (hops === maxHops) {
      asking.step = 'body';
      throw new Error('redirects');
    }
    url = next;
  }
}

/** Returns the address of a redirect that is followed; null if it is not. */
function nextOf(asking: Asking, url: URL, location: string): URL | null {
  const follow = optionOf(asking, 'follow') || 'same-host';
  const next = follow === 'no' || /[\\\s]/.test(location) ? null : urlIn(location, url);
  if (next === null) return null;
  if (!/^https?:$/.test(next.protocol) || next.username + next.password !== '') return null;
  const isSame = next.hostname === url.hostname;
  if (follow !== 'yes' && !isSame) return null;
  // The connection is for this address alone.
  return optionOf(asking, 'connect') === '' || next.host + next.protocol === url.host + url.protocol ? next : null;
}

/** Returns the address that a redirect leads to; null if it is none. Node.js 18.15 has no URL.canParse. */
function urlIn(location: string, base: URL): URL | null {
  try {
    return new URL(location, base.href);
  } catch {
    return null;
  }
}

async function answerOf(asking: Asking, url: URL, first: URL): Promise<IncomingMessage> {
  const { request } = await import('node:http');
  const isTls = url.protocol === 'https:';
  const own = url.host + url.protocol === first.host + first.protocol ? optionOf(asking, 'connect') : '';
  const target = own || `${url.hostname}:${url.port || (isTls ? 443 : 80)}`;
  const socket = await dial(asking, { target, servername: url.hostname, isTls, protocol: 'http/1.1' });
  asking.step = 'answer';
  const beganMs = performance.now();
  const headers = new Map<string, readonly [name: string, value: string]>([
    ['host', ['Host', url.host]],
    ['user-agent', ['User-Agent', 'fleet-health']],
    ['accept', ['Accept', '*/*']],
  ]);
  const file = optionOf(asking, 'headerFile');
  const lines = file === '' ? [] : readNamed(asking, file).toString().slice(0, maxHeaderFileChars).split(/\r?\n/);
  for (const line of [...valuesOf(asking.words, 'header'), ...lines]) {
    const [, name, value = ''] = /^([\w-]+):[ \t]*(.*)$/.exec(line) ?? [];
    if (name !== undefined) headers.set(name.toLowerCase(), [name, value.trimEnd()]);
  }
  return new Promise((resolve, reject) => {
    const asked = request({
      createConnection: () => socket,
      // Servers of old devices end lines with a line feed alone, and browsers take that.
      insecureHTTPParser: true,
      path: url.pathname + url.search,
      headers: Object.fromEntries<string>(headers.values()),
    });
    asked.on('error', reject);
    const answered = (response: IncomingMessage): void => {
      tell(asking, 'first_byte', (performance.now() - beganMs) / 1000);
      resolve(response);
    };
    asked.on('response', answered);
    asked.on('upgrade', (response) => {
      response.push(null);
      answered(response);
    });
    asked.end();
  });
}

/** Reads a body, 1 MiB of it at most. Tells which of the texts it lacks or has. */
async function readBody(asking: Asking, response: IncomingMessage): Promise<void> {
  const lacks = valuesOf(asking.words, 'lacks');
  const texts = [...valuesOf(asking.words, 'contains'), ...lacks];
  const wanted = texts.map((text) => Buffer.from(text));
  const found = new Set<number>();
  const kept = Math.max(1, ...wanted.map((text) => text.length)) - 1;
  let begins = Buffer.alloc(0);
  let tail = Buffer.alloc(0);
  let bytes = 0;
  for await (const chunk of await unpacked(response)) {
    const part = (chunk as Buffer).subarray(0, maxBodyBytes - bytes);
    bytes += part.length;
    if (begins.length < shownBytes) begins = Buffer.concat([begins, part.subarray(0, shownBytes)]);
    const window = Buffer.concat([tail, part]);
    for (const [at, text] of wanted.entries()) if (!found.has(at) && window.includes(text)) found.add(at);
    tail = kept === 0 ? tail : Buffer.from(window.subarray(-kept));
    if (bytes >= maxBodyBytes) break;
  }
  response.destroy();
  tell(asking, 'bytes', String(bytes));
  tell(asking, 'begins', begins.toString());
  for (const [at, text] of texts.entries()) {
    if (found.has(at) !== at < texts.length - lacks.length) tell(asking, found.has(at) ? 'has' : 'lacks', text);
  }
}

/** Returns the plain body of a server that packs what nobody asked it to pack. */
async function unpacked(response: IncomingMessage): Promise<Readable> {
  if (!/^(x-)?gzip$/i.test(response.headers['content-encoding'] ?? '')) return response;
  const { createGunzip } = await import('node:zlib');
  const plain = createGunzip();
  response.on('error', (error) => plain.destroy(error));
  return response.pipe(plain);
}
