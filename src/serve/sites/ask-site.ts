import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';

import type { SiteConfig } from '../../config/serve-config.ts';
import { boundAnswer } from '../../platform/bound-answer.ts';
import { secondMs } from '../../platform/units.ts';
import { readAnswer, type SiteAnswer } from './read-answer.ts';

/** The most bytes of an answer. Two hundred clients are 200 KiB; labels and messages may be long. */
const mostBytes = 4 * 1024 * 1024;

export interface AskSiteOptions {
  /** The query of `/api/v1/status`. */
  readonly query: URLSearchParams;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Requests a part of a site's status. Follows no redirect. Throws an Error with a message for people. */
export async function askSite(site: SiteConfig, options: AskSiteOptions): Promise<SiteAnswer> {
  const { query, timeoutMs, signal } = options;
  const late = AbortSignal.timeout(timeoutMs);
  try {
    const text = await get(site, query, AbortSignal.any([signal, late]));
    const answer = readAnswer(text);
    if (answer === null) throw new Error('its answer is no status of a single site with limit=');
    return answer;
  } catch (thrown) {
    if (late.aborted) throw new Error(`no answer within ${timeoutMs / secondMs} s`, { cause: thrown });
    throw thrown;
  }
}

function get({ url, token, ca }: SiteConfig, query: URLSearchParams, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const address = new URL(`api/v1/status?${query.toString()}`, url);
    // Token and authority are read at each request, so that new ones need no restart.
    const headers = token === null ? {} : { authorization: `Bearer ${token.reveal()}` };
    const options = { headers: { ...headers, accept: 'application/json' }, agent: false, signal } as const;
    const sent =
      address.protocol === 'https:'
        ? httpsRequest(address, { ...options, ...(ca === null ? {} : { ca: readFileSync(ca) }) })
        : httpRequest(address, options);
    boundAnswer(sent, mostBytes);
    sent.on('error', reject).on('response', (response) => resolve(bodyOf(response, token !== null)));
    // After an upgrade Node reports neither an end nor a fault, and does not end the connection at the deadline.
    sent.on('upgrade', ({ statusCode = 0 }, socket) => {
      socket.destroy();
      reject(new Error(`it answers with ${statusCode}`));
    });
    sent.on('close', () => reject(new Error('it ends the connection without an answer')));
    sent.end();
  });
}

async function bodyOf(response: IncomingMessage, hasToken: boolean): Promise<string> {
  try {
    const { statusCode = 0 } = response;
    if (statusCode === 401 && !hasToken) throw new Error('it wants a token; name its file with tokenFile=');
    if (hasToken && [401, 403].includes(statusCode)) throw new Error('it refuses the token');
    if (statusCode !== 200) throw new Error(`it answers with ${statusCode}`);
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const part of response as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > mostBytes) throw new Error(`its answer is larger than ${mostBytes / 1024 / 1024} MiB`);
      parts.push(part);
    }
    return Buffer.concat(parts).toString('utf8');
  } finally {
    response.destroy();
  }
}
