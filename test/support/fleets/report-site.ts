/** Machines with the built program that watch the same cheap clients, which a report server in this process plays. */
import type { ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { outcomeOf, runCli, startCli, type CliOptions, type CliResult } from '../programs/run-cli.ts';
import { startReportServer, type ReportServerOptions } from './report-server.ts';

export interface SiteOptions extends Pick<ReportServerOptions, 'mayAnswer' | 'reports'> {
  readonly clients: number;
  /** The elements of config.xml beside <ssh> and the clients. */
  readonly elements: string;
}

export interface Machine {
  readonly dir: string;
  /** Starts the program with this machine's config.xml. */
  start(args: readonly string[], options?: CliOptions): ChildProcess;
  run(args: readonly string[], options?: CliOptions): Promise<CliResult>;
  /** Runs a command line in this process. */
  runHere(args: readonly string[]): Promise<CliResult>;
}

export interface Site {
  /** Makes a machine with a state folder of its own, or with a copy of that of `cloneOf`, as of a cloned machine. */
  machine(name: string, cloneOf?: Machine): Machine;
  close(): Promise<void>;
}

const login = { username: 'u', password: 'a secret word' };

export async function openSite({ clients, elements, ...answers }: SiteOptions): Promise<Site> {
  const dir = mkdtempSync(path.join(tmpdir(), 'fleet-site-'));
  const server = await startReportServer({ ...login, ...answers });
  const numbers = Array.from({ length: clients }, (_, index) => index + 1);
  const lines = numbers.map((number) => `<client name="c${number}" ip="127.0.0.${number}" port="${server.port}"/>`);
  const config = `<config><ssh username="${login.username}" password="${login.password}"/>${elements}
    <group name="first">${lines[0] ?? ''}</group>${lines.slice(1).join('\n')}</config>`;
  const knownHosts = numbers.map((number) => `${server.hostKeyLine(`127.0.0.${number}`)}\n`).join('');
  return {
    machine: (name, cloneOf) => {
      const place = path.join(dir, name);
      if (cloneOf !== undefined) cpSync(cloneOf.dir, place, { recursive: true });
      else {
        mkdirSync(path.join(place, 'state'), { recursive: true, mode: 0o700 });
        writeFileSync(path.join(place, 'state', 'known_hosts'), knownHosts);
        writeFileSync(path.join(place, 'config.xml'), config, { mode: 0o600 });
      }
      const file = path.join(place, 'config.xml');
      const start: Machine['start'] = (args, options) => startCli(['-c', file, ...args], options);
      return {
        dir: place,
        start,
        run: async (args, options) => await outcomeOf(start(args, options)),
        runHere: (args) => runCli(['-c', file, ...args]),
      };
    },
    close: async () => {
      await server.close();
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
