/**
 * A cheap client for tests of whole fleets: a real SSH server in this process. It answers every visit with a real
 * sealed report of the requested client, without a shell or an agent. It listens on every address of loopback.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';

import ssh2 from 'ssh2';
import type { Connection, ServerChannel } from 'ssh2';

import { encodeReport } from '../../../src/report/encode-report.ts';
import { encodeFrame, encodeJsonFrame } from '../../../src/report/frames.ts';
import type { Report } from '../../../src/report/report.ts';
import type { AgentRequest, Hello } from '../../../src/report/wire.ts';
import { sealReport } from '../../../src/report/seal/seal.ts';
import { sampleReport } from '../../report/support/sample-report.ts';
import { startSsh2Server } from '../ssh/ssh2-server.ts';

export interface ReportServerOptions {
  readonly username: string;
  readonly password: string;
  /** The private host key (PEM). Default: a new one. */
  readonly hostKey?: string;
  /** Like sshd's MaxStartups: the most logins under way before a connection is refused. Default: no limit. */
  readonly maxStartups?: number;
  /** A visit is answered once this promise has resolved. */
  readonly mayAnswer?: () => Promise<void>;
  /** Returns the bytes to send in place of a report. Default: the sealed sample. */
  readonly reports?: (request: AgentRequest) => readonly Buffer[];
  /** Returns changes of the hello. */
  readonly hello?: (request: AgentRequest) => Partial<Hello>;
  /** Returns arbitrary bytes that are sent after the reports. */
  readonly bytes?: (request: AgentRequest) => Buffer;
}

export type ReportServer = Awaited<ReturnType<typeof startReportServer>>;

export async function startReportServer(options: ReportServerOptions) {
  /**
   * The greatest number of concurrent logins under way and of concurrent sessions, and the number of rejected
   * connections.
   */
  const most = { startups: 0, sessions: 0, rejections: 0 };
  let startups = 0;
  let sessions = 0;

  const onClient = (client: Connection): void => {
    let loggedIn = false;
    const settle = (): void => {
      if (loggedIn) sessions--;
      else startups--;
    };
    client.once('close', settle);
    client.on('error', () => undefined);
    client.on('authentication', (attempt) => {
      const isRight =
        attempt.method === 'password' && attempt.username === options.username && attempt.password === options.password;
      if (isRight) attempt.accept();
      else attempt.reject(['password']);
    });
    client.once('ready', () => {
      loggedIn = true;
      startups--;
      most.sessions = Math.max(most.sessions, ++sessions);
      client.on('session', (accept) => {
        accept().on('exec', (acceptExec, _reject, { command }) => void answer(command, acceptExec(), options));
      });
    });
  };
  const onSocket = (socket: Socket): boolean => {
    if (startups >= (options.maxStartups ?? Infinity)) {
      most.rejections++;
      socket.resume().end('Exceeded MaxStartups\r\n');
      return true;
    }
    most.startups = Math.max(most.startups, ++startups);
    return false;
  };
  const serve = (pem: string) => new ssh2.Server({ hostKeys: [pem] }, onClient);
  return { ...(await startSsh2Server({ pem: options.hostKey, serve, onSocket })), most };
}

/** Runs a look at other machines in a shell, as sshd would. */
async function runLook(command: string, channel: ServerChannel): Promise<void> {
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['ignore', 'pipe', 'ignore'] });
  channel.end(await text(child.stdout));
  channel.exit(0);
}

/** Answers as the loader and an agent would. Has no inventory. */
async function answer(
  command: string,
  channel: ServerChannel,
  { mayAnswer, reports = (request) => [sealedFor(request)], ...more }: ReportServerOptions,
): Promise<void> {
  channel.on('error', () => undefined);
  if (command.includes('-look')) {
    await runLook(command, channel);
    return;
  }
  const asked = /eyJ2Ijox[\w-]+/.exec(command)?.[0] ?? '';
  const request = JSON.parse(Buffer.from(asked, 'base64url').toString()) as AgentRequest;
  // Inventories do not wait: they are asked for at some times of day only, so no test can count them.
  if (request.kind === 'visit') await mayAnswer?.();
  const { boot_id } = sampleReport;
  const own = more.hello?.(request);
  const hello = { v: 1, agent: '9', wall_ms: Date.now(), monotonic_ms: 123_456, boot_id, ...own };
  channel.write(`fh-${request.marker}-loader-81\n`);
  channel.write(Buffer.from(request.marker, 'base64url'));
  channel.write(encodeJsonFrame('H', hello));
  if (request.kind === 'visit') for (const report of reports(request)) channel.write(encodeFrame('R', report));
  if (more.bytes !== undefined) channel.write(more.bytes(request));
  channel.write(encodeJsonFrame('E', { left: 0, place: '/x', spool_error: null }));
  channel.resume();
  channel.once('end', () => {
    channel.exit(0);
    channel.end();
  });
}

/** Returns a sealed report of now. `inside` changes its fields. */
export function sealedFor({ client, run, key }: AgentRequest, inside: Partial<Report> = {}): Buffer {
  const reportId = randomUUID();
  const now = { client, run_id: run, report_id: reportId, datetime: new Date().toISOString() };
  const report = { ...sampleReport, ...inside, ...now };
  const publicKey = Buffer.from(key, 'base64url');
  return sealReport({ publicKey, reportId, client, plaintext: Buffer.from(encodeReport(report)) });
}
