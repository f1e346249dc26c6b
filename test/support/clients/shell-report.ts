/** Runs the shell agent by itself, on this machine or on a copy of another machine's files. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { TestContext } from 'node:test';

import { sealCapture } from '../../../src/collector/agent/seal-capture.ts';
import { encodeRequest } from '../../../src/report/agent-request.ts';
import { FrameParser, parseAgentFault, parseEnd, parseHello } from '../../../src/report/frames.ts';
import type { FunctionReport, Report, Row, WorkerReport } from '../../../src/report/report.ts';
import type { AgentFault, End, Frame, Hello, ProbeOptions, RequestedCheck } from '../../../src/report/wire.ts';
import { openReport } from '../../../src/report/seal/open.ts';
import { bundles, keyPair } from './agent-visit.ts';
import { commandOf, shellClient, type ShellClient, type ShellClientOptions } from './shell-client.ts';

const runId = '0b8a1c62-7d0e-4c55-8a3e-52e1f5f0c001';
const marker = Buffer.from('0ffefdfcfbfaf9f8f7f6f5f4f3f2f1f0', 'hex');
const octal = Array.from(marker, (byte) => byte.toString(8)).join('.');

export interface ShellRunOptions {
  readonly shell?: string;
  /** The prefix of all files that are read; default: this machine's root. */
  readonly root?: string;
  readonly options?: ProbeOptions;
  /** The checks of config.xml. */
  readonly checks?: readonly RequestedCheck[];
  /** True for the state in place of a visit. */
  readonly state?: boolean;
  /** The client's folder. Default: `folder`. */
  readonly folder?: string;
  /** The folder of the client's former name. Default: none. */
  readonly formerFolder?: string;
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
  /** The bytes of the capture on the wire. */
  readonly captureBytes: number;
  /** The capture as it was sent. */
  readonly capture: Buffer;
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
      const own = [octal, String(killAfterSeconds), guard, 'machine', 'collector', options.folder ?? 'folder'];
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
        stamp: true,
        ...(options.checks === undefined ? {} : { checks: options.checks }),
        ...(options.state === true ? { state: true } : {}),
        ...(options.formerFolder === undefined ? {} : { formerFolder: options.formerFolder }),
      });
      const child = spawn(
        program,
        [...args, '-c', text, 'fh', ...own, bundles.shell.digest, request, options.root ?? ''],
        {
          env: { HOME: machine.home, PATH: machine.bin, fh_agent: text, ...client.env },
          stdio: ['pipe', 'pipe', 'inherit'],
        },
      );
      child.stdin.on('error', () => undefined);
      const closed = new Promise<[number | null, string | null]>((resolve) => {
        child.once('close', (code, by) => resolve([code, by]));
      });
      const run = await readRun(child.stdout, child.stdin, options);
      const [status, signal] = await closed;
      return { status, signal, ...run };
    },
  };
}

const maxBytes = 4 * 1024 * 1024;

/** Reads the frames of a run, and answers a capture as the collector does. */
async function readRun(
  output: Readable,
  input: Writable,
  { options = {}, state: shellState = false }: ShellRunOptions,
): Promise<Omit<ShellRun, 'status' | 'signal'>> {
  const limits = { maxGreetingBytes: 0, maxReportBytes: maxBytes, maxReports: 1, maxTotalBytes: maxBytes };
  const parser = new FrameParser({ marker, ...limits });
  let found: Partial<Pick<ShellRun, 'hello'>> & Omit<ShellRun, 'hello' | 'status' | 'signal'> = {
    capture: Buffer.alloc(0),
    report: null,
    fault: null,
    end: null,
    captureBytes: 0,
  };
  const take = async ({ type, payload }: Frame): Promise<void> => {
    if (type === 'H') found = { ...found, hello: parseHello(payload) };
    if (type === 'F') found = { ...found, fault: parseAgentFault(payload) };
    if (type === 'U' && found.hello !== undefined) {
      const task = { client: 'web-1', runId, publicKey: keyPair.publicKey, probeOptions: options, shellState };
      const { sealed, notes, place } = await sealCapture(payload, found.hello, task);
      input.write(notes);
      const { plaintext } = openReport(sealed, new Map([[keyPair.id, keyPair]]));
      const report = JSON.parse(plaintext.toString()) as Report;
      found = {
        ...found,
        report,
        capture: payload,
        captureBytes: payload.length,
        end: { left: 0, place, spool_error: null },
      };
    }
    if (type === 'E') found = { ...found, end: { ...parseEnd(payload), place: found.end?.place ?? null } };
  };
  for await (const chunk of output) {
    for (const frame of parser.push(chunk as Buffer)) await take(frame);
    if (found.end?.spool_error !== undefined && found.end.spool_error !== null) input.end();
  }
  input.end();
  const { hello, ...rest } = found;
  if (hello === undefined) throw new Error(`no hello: ${JSON.stringify(parser.greeting().toString('latin1'))}`);
  return { hello, ...rest };
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
