/** Runs the shell agent by itself, on this machine or on a copy of another machine's files. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';

import { sealUnsealed } from '../../src/collector/agent/seal-unsealed.ts';
import { encodeRequest } from '../../src/report/agent-request.ts';
import { createFrameParser, parseAgentFault, parseEnd, parseHello } from '../../src/report/frames.ts';
import type { FunctionReport, Report, Row, WorkerReport } from '../../src/report/report.ts';
import type { AgentFault, End, Hello, ProbeOptions } from '../../src/report/wire.ts';
import { openReport } from '../../src/seal/open.ts';
import { bundles, keyPair } from './agent-visit.ts';
import { commandOf, shellClient, type ShellClient, type ShellClientOptions } from './shell-client.ts';

export interface ShellRunOptions {
  readonly shell?: string;
  /** The prefix of all files that are read; default: this machine's root. */
  readonly root?: string;
  readonly options?: ProbeOptions;
  /** The deadline. Default: 10. */
  readonly killAfterSeconds?: number;
  /** `w`: the agent's own watchdog, as on a client without timeout(1). */
  readonly guard?: 't' | 'w';
  /** A command that starts the agent in the right place. */
  readonly within?: readonly string[];
}

export interface ShellRun {
  readonly status: number | null;
  readonly signal: string | null;
  readonly hello: Hello;
  /** The report as the collector would store it; null if there is a fault instead. */
  readonly report: Report | null;
  readonly fault: AgentFault | null;
  readonly end: End | null;
}

export interface ShellAgent extends ShellClient {
  /** The folder of the agent's counters. */
  readonly place: string;
  /** Runs the agent. Rejects if its output cannot be read. */
  readonly run: (options?: ShellRunOptions) => Promise<ShellRun>;
}

/** Makes a machine on which the agent can run repeatedly. The agent's files are kept between the runs. */
export function shellAgent(context: TestContext, client: ShellClientOptions = {}): ShellAgent {
  const machine = shellClient(context, client);
  const place = path.join(machine.home, '.local/state/fleet-health/machine/collector/folder');
  return {
    ...machine,
    place,
    run: async (options = {}) => {
      const shell = commandOf(options.shell ?? client.shell ?? 'dash') ?? ['/bin/sh'];
      const [program = '', ...args] = [...(options.within ?? []), ...shell];
      const text = bundles.shell.content.toString();
      const { killAfterSeconds = 10, guard = 't' } = options;
      const own = ['65.66.67', String(killAfterSeconds), guard, 'machine', 'collector', 'folder'];
      const request = encodeRequest({
        v: 1,
        kind: 'visit',
        run: '',
        client: 'wéb "1"',
        collector: 'collector',
        marker: '',
        key: '',
        options: options.options ?? {},
        deadlineMs: 1,
        maxFrames: 1,
        maxBytes: 1,
      });
      const child = spawn(
        program,
        [...args, '-c', text, 'fh', ...own, bundles.shell.digest, request, options.root ?? ''],
        {
          env: { HOME: machine.home, PATH: machine.bin, fh_agent: text, ...client.env },
          stdio: ['ignore', 'pipe', 'inherit'],
        },
      );
      const chunks: Buffer[] = [];
      child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
      const [status, signal] = await new Promise<[number | null, string | null]>((resolve) => {
        child.once('close', (code, by) => resolve([code, by]));
      });
      return { status, signal, ...readRun(Buffer.concat(chunks)) };
    },
  };
}

function readRun(output: Buffer): Pick<ShellRun, 'hello' | 'report' | 'fault' | 'end'> {
  const big = 1024 * 1024;
  const parser = createFrameParser({
    marker: Buffer.from([0o65, 0o66, 0o67]),
    maxGreetingBytes: 0,
    maxReportBytes: big,
    maxReports: 1,
    maxTotalBytes: big,
  });
  const frames = parser.push(output);
  const payloadOf = (type: string): Buffer | null => frames.find((frame) => frame.type === type)?.payload ?? null;
  const [hello, report, fault, end] = ['H', 'U', 'F', 'E'].map(payloadOf);
  if (!hello) throw new Error(`no hello: ${JSON.stringify(output.toString('latin1'))}`);
  return {
    hello: parseHello(hello),
    report: report ? storedReport(report) : null,
    fault: fault ? parseAgentFault(fault) : null,
    end: end ? parseEnd(end) : null,
  };
}

function storedReport(payload: Buffer): Report {
  const runId = '0b8a1c62-7d0e-4c55-8a3e-52e1f5f0c001';
  const sealed = sealUnsealed({ payload, client: 'web-1', runId, publicKey: keyPair.publicKey });
  return JSON.parse(openReport(sealed, new Map([[keyPair.id, keyPair]])).plaintext.toString()) as Report;
}

/** Returns the worker report of this name. Throws if there is none. */
export function workerOf({ report }: ShellRun, name: string): WorkerReport {
  const found = report?.worker_reports.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no worker report ${name}`);
  return found;
}

/** Returns a family of a report by its name. Returns undefined if the report has no such family. */
export function familyIn(report: Report, name: string): FunctionReport | undefined {
  return report.worker_reports.flatMap((one) => one.function_reports).find((family) => family.name === name);
}

/** Returns the rows of a family of a report; none if the report has no such family. */
export function rowsOf(report: Report, family: string): readonly Row[] {
  return familyIn(report, family)?.data ?? [];
}

/** Makes a folder that stands for the root of a machine, with these files in it. */
export function rootWith(dir: string, files: Readonly<Record<string, string | Buffer>>): string {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(dir, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  return dir;
}

/** Returns the present content of this machine's own file. */
export function ownFile(name: string): string {
  return readFileSync(name, 'utf8');
}
