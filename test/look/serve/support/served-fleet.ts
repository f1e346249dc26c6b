import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import path from 'node:path';
import type { TestContext } from 'node:test';

import { reportedConfig, reportedFleet } from '../../../cli/support/reported-fleet.ts';
import { freePort } from '../../../support/servers/free-port.ts';
import { type CliResult, startCli } from '../../../support/programs/run-cli.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly socketPath?: string;
  readonly localAddress?: string;
  readonly body?: string;
}

/** A running server. */
export interface Served {
  readonly dir: string;
  readonly port: number;
  readonly child: ChildProcess;
  /** Returns the output on both streams so far. */
  readonly log: () => string;
  readonly run: (...args: readonly string[]) => Promise<CliResult>;
  readonly ask: (path: string, options?: AskOptions) => Promise<Answer>;
  /** Ends the server. Returns its exit status. */
  readonly end: (signal?: NodeJS.Signals) => Promise<number | null>;
}

export interface ServedOptions {
  /** Attributes of `<serve>` beside the port. */
  readonly attributes?: string;
  readonly parts?: string;
  /** Elements beside `<serve>`. */
  readonly elements?: string;
  readonly args?: readonly string[];
  /** The port. Default: a free one. */
  readonly port?: number;
}

/** Makes two clients with a day of reports and an alert. Starts a server that shows them, on a port of its own. */
export async function servedFleet(t: TestContext, options: ServedOptions = {}): Promise<Served> {
  const { dir, run } = await reportedFleet(t);
  return { ...(await serveFolder(t, dir, options)), run };
}

/** Starts a server for a folder with config.xml. */
export async function serveFolder(t: TestContext, dir: string, options: ServedOptions): Promise<Omit<Served, 'run'>> {
  const { attributes = '', parts = '<look/>', elements = '', args = [] } = options;
  const port = options.port ?? (await freePort());
  const file = path.join(dir, 'config.xml');
  const serve = `<serve port="${port}" ${attributes}>${parts}</serve>`;
  const before = readFileSync(file, 'utf8');
  writeFileSync(file, before.replace(/(?:<serve .*<\/serve>)?<\/config>/, `${serve}${elements}</config>`));
  const child = startCli(['serve', ...args], { cwd: dir });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (log += text));
  t.after(() => child.kill('SIGKILL'));
  const closed = once(child, 'close');
  const started = new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', () => log.includes('event=serve-started') && resolve());
    child.once('close', () => reject(new Error(`the server ended: ${log}`)));
  });
  await started;
  return {
    dir,
    port,
    child,
    log: () => log,
    ask: (where, more) => ask(port, where, more),
    end: async (signal = 'SIGTERM') => {
      child.kill(signal);
      const [status] = (await closed) as [number | null];
      return status;
    },
  };
}

/** Sends one request on a connection of its own. */
export async function ask(port: number, where: string, options: AskOptions = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, socketPath, localAddress, body } = options;
  const sent = request({
    ...(socketPath === undefined ? { host: '127.0.0.1', port } : { socketPath }),
    ...(localAddress === undefined ? {} : { localAddress }),
    path: where,
    method,
    headers,
    agent: false,
  });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  response.setEncoding('utf8').on('data', (part: string) => (text += part));
  await once(response, 'end');
  return { status: response.statusCode ?? 0, headers: response.headers, body: text };
}

/** Asks for a page until it is made: a busy machine may take longer for it than a viewer waits. */
export async function askUntilMade<Answer extends { readonly status: number }>(
  ask: (where: string) => Promise<Answer>,
  where: string,
): Promise<Answer> {
  for (;;) {
    const answer = await ask(where);
    if (answer.status !== 503) return answer;
  }
}

export { reportedConfig };
