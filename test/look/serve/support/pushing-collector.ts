/** A collector whose `serve` takes pushes, and clients that are enrolled. */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import path from 'node:path';
import type { TestContext } from 'node:test';

import { generateKeyPair } from '../../../../src/report/seal/key-pair.ts';
import { contentDigest, encodePushHeader, requestMac, sha256 } from '../../../../src/report/seal/push.ts';
import { keyIdOf } from '../../../../src/report/seal/sealed-message.ts';
import { configFolder, runCli, succeeded, type CliResult } from '../../../support/programs/run-cli.ts';
import { sealedSample } from '../../../support/clients/sealed-report.ts';
import { serveFolder } from './served-fleet.ts';

export interface Sent {
  readonly body: Buffer;
  readonly client?: string;
  readonly key?: Buffer;
  readonly time?: number;
  /** The body that the headers are made for. Default: the body that is sent. */
  readonly signed?: Buffer;
  readonly headers?: Readonly<Record<string, string | number>>;
}

interface Answered {
  readonly status: number;
  readonly body: Buffer;
}

/** Starts a collector with two clients that push, one of them enrolled, whose `serve` takes pushes. */
export async function collector(t: TestContext, parts = '<push/>', attributes = '') {
  const clients = ['laptop-1', 'laptop-2'].map((name) => `<client name="${name}" transport="push"/>`).join('');
  const dir = configFolder(t, `<config><alerts mail="ops@example.org"/>${clients}</config>`);
  const served = await serveFolder(t, dir, { parts, attributes });
  const run = (...args: readonly string[]): Promise<CliResult> => runCli(args, { cwd: dir });
  const url = `http://127.0.0.1:${served.port}/`;
  const agent = JSON.parse(await succeeded(run('enroll', 'laptop-1', '--https', url))) as {
    readonly publicKey: string;
    readonly pushKey: string;
  };
  const publicKey = Buffer.from(agent.publicKey, 'base64url');
  const pair = { ...generateKeyPair(), id: keyIdOf(publicKey), publicKey };
  const sample = (client = 'laptop-1') => sealedSample({ key: pair, inside: { client } });
  const own = Buffer.from(agent.pushKey, 'base64url');
  const send = async (sent: Sent): Promise<Answered> => {
    const { body, client = 'laptop-1', key = own, time = 1, signed = body, headers = {} } = sent;
    const digest = sha256(signed);
    const mac = requestMac(key, time, digest.toString('hex'));
    const asked = request(url + 'v1/visit', {
      method: 'POST',
      agent: false,
      headers: {
        'Content-Length': body.length,
        'Content-Digest': contentDigest(digest),
        'Fleet-Health': encodePushHeader({ client, time, mac }),
        ...headers,
      },
    });
    asked.on('error', () => undefined);
    asked.end(body);
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    return { status: response.statusCode ?? 0, body: Buffer.concat(chunks) };
  };
  const sealedFiles = (): readonly string[] =>
    readdirSync(path.join(dir, 'state'), { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('.fhs') && !name.startsWith('stored'),
    );
  return { ...served, dir, run, sample, send, sealedFiles, agent, publicKey };
}
