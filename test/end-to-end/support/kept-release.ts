/**
 * A small fleet with its own clock: clients that are visited, played by a report server in this process, and the built
 * programs under libfaketime. `keep-release.ts` keeps the files that a release leaves behind; upgrade.test.ts starts
 * from them.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { packageDir } from '../../../src/state-folder/paths.ts';
import type { Report } from '../../../src/report/report.ts';
import type { AgentRequest } from '../../../src/report/wire.ts';
import { encodeReport } from '../../../src/report/encode-report.ts';
import { sealReport } from '../../../src/report/seal/seal.ts';
import { sampleReport, worker } from '../../report/support/sample-report.ts';
import { startReportServer, type ReportServer } from '../../support/fleets/report-server.ts';
import { runBuilt, type CliResult } from '../../support/programs/run-cli.ts';

/**
 * The kept releases: the first one, and the last commit before inbox/, of the same version, whose sites forward streams
 * and whose records wait in journal/ and events/.
 */
export type KeptRelease = '0.2.0' | 'before-inbox';

/** Returns the folder of a release's files: config.xml, host-key, files.tar.gz, fleet.sql.gz and site-request. */
export const keptFolder = (release: KeptRelease): string => path.join(packageDir, 'test', 'testdata', release);
/** The moment of the last run before the files were kept. */
export const keptAtMs = Date.UTC(2026, 10, 23, 12, 0);
/** The folder and the ports that differ wherever the kept files are used. */
export interface Places {
  readonly dir: string;
  /** The port of the clients' SSH server. */
  readonly ssh: string;
  readonly serve: string;
  /** The port of the client that is asked over HTTP. */
  readonly asked: string;
}

/** The placeholders in the kept files. */
export const keptPlaces: Places = { dir: '/kept/folder', ssh: '54321', serve: '54322', asked: '54323' };

/** The kept files with placeholders. */
export const filesWithPlaces = [
  ...['state/known_hosts', 'site/config.xml', 'site/state/known_hosts'],
  ...['laptop/agent.json', 'asked/agent.json'],
] as const;

/** Replaces these places in a text. */
export function replacePlaces(text: string, from: Places, to: Places): string {
  const names = ['dir', 'ssh', 'serve', 'asked'] as const;
  return names.reduce((changed, name) => changed.replaceAll(from[name], to[name]), text);
}

const faketime = readdirSync('/usr/lib')
  .map((name) => path.join('/usr/lib', name, 'faketime', 'libfaketime.so.1'))
  .find((file) => existsSync(file));
/** The reason for which no clock can be set, or false. */
export const skipWithoutFaketime = faketime === undefined && !process.env['CI'] ? 'faketime is not installed' : false;

/** Returns the environment variables with which a program starts at this moment. */
export function clockAt(atMs: number): Readonly<Record<string, string>> {
  const seconds = Math.round((atMs - Date.now()) / 1000);
  return {
    LD_PRELOAD: faketime ?? '',
    FAKETIME: `${seconds < 0 ? '' : '+'}${seconds}s`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
  };
}

export interface KeptFleet {
  readonly server: ReportServer;
  /** Sets the time for the clients, and for programs that are started later. */
  setTime(atMs: number): void;
  /** Sets the exit status of the check of c2. */
  setCheck(exit: 0 | 2): void;
  /** Runs a program with a config.xml; default: the built one. */
  run(config: string, args: readonly string[], program?: string): Promise<CliResult>;
}

export async function startKeptFleet(hostKey: string): Promise<KeptFleet> {
  let atMs = keptAtMs;
  let exit: 0 | 2 = 0;
  const server = await startReportServer({
    ...{ username: 'monitor', password: 'of the tests', hostKey },
    hello: () => ({ wall_ms: atMs }),
    reports: (request) => {
      const visited = sealed(request, reportAt(request.client, atMs, exit));
      return hasInventory(request, atMs) ? [visited, sealed(request, inventoryAt(atMs))] : [visited];
    },
  });
  return {
    server,
    setTime: (toMs) => (atMs = toMs),
    setCheck: (to) => (exit = to),
    run: async (config, args, program) =>
      await runBuilt(['-c', config, ...args], { env: clockAt(atMs), ...(program === undefined ? {} : { program }) }),
  };
}

function sealed({ client, run, key }: AgentRequest, inside: Partial<Report>): Buffer {
  const report: Report = { ...sampleReport, ...inside, client, run_id: run, report_id: randomUUID() };
  return sealReport({
    publicKey: Buffer.from(key, 'base64url'),
    reportId: report.report_id,
    client,
    plaintext: Buffer.from(encodeReport(report)),
  });
}

const dayMs = 86_400_000;

/** True if c1 sends an inventory: two days before its last report, and the same one again a day later. */
function hasInventory({ client }: AgentRequest, atMs: number): boolean {
  return client === 'c1' && atMs < keptAtMs - dayMs / 2 && atMs > keptAtMs - 3 * dayMs;
}

function inventoryAt(atMs: number): Partial<Report> {
  const release = { distribution: 'Debian', release: '12', kernel: '6.1.0', architecture: 'x86_64', hostname: 'c1' };
  return {
    name: 'Inventory report',
    datetime: new Date(atMs).toISOString(),
    monotonic_ms: 90 * dayMs + atMs - keptAtMs,
    worker_reports: [worker('os_release', [{ name: 'os_release', data: [release] }])],
  };
}

const gib = 1024 ** 3;

/** Returns a report. A file system of c1 fills; a check of c2 has the exit status `exit`. */
function reportAt(client: string, atMs: number, exit: 0 | 2): Partial<Report> {
  const days = (atMs - keptAtMs) / dayMs;
  const used = client === 'c1' ? 82 + days : 40;
  const disk = { mount: '/', fstype: 'ext4', source: '/dev/vda1', scope: 'local', mode: 'rw' };
  const bytes = { size_bytes: 100 * gib, used_bytes: Math.round(used * gib) };
  const available_bytes = bytes.size_bytes - bytes.used_bytes;
  const link = { interface: 'eth0', link_up: 1, rx_bytes_per_s: 1000.5, tx_bytes_per_s: 5e-324 };
  const line = { time: new Date(atMs).toISOString(), unit: 'sshd', priority: 'err', text: 'a line of a log' };
  const output = `QUEUE ${exit === 0 ? 'OK' : 'CRITICAL'} - ${exit * 50 + 3} wait | wait=${exit * 50 + 3};50;90`;
  return {
    datetime: new Date(atMs).toISOString(),
    monotonic_ms: 90 * dayMs + atMs - keptAtMs,
    worker_reports: [
      worker('cpu', [{ name: 'cpu', data: [{ used_percent: 12.5, cpus: 8, steal_percent: 0 }] }]),
      worker('memory', [{ name: 'memory', data: [{ total_bytes: 8 * gib, used_percent: 41.7 }] }]),
      worker('disks', [{ name: 'disk', data: [{ ...disk, ...bytes, available_bytes, used_percent: used }] }]),
      worker('network', [{ name: 'network', data: [link] }]),
      worker('logs', [
        { name: 'log', data: [{ source: 'sshd', errors: 1 }] },
        { name: 'log_line', data: [line] },
      ]),
    ],
    ...(client === 'c2' ? { checks: [{ name: 'queue', format: 'nagios', exit, why: null, output, age_s: 0 }] } : {}),
  };
}

export const readKept = (release: KeptRelease, name: string): string =>
  readFileSync(path.join(keptFolder(release), name), 'utf8');
