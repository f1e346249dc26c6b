/** A client with checks of its own, visited by the agents that run them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';

import type { CheckResult, RefusedCheck } from '../../../src/report/checks.ts';
import type { RequestedCheck } from '../../../src/report/wire.ts';
import { visit } from './agent-visit.ts';
import { isWide } from '../long-tests.ts';
import { shellClient } from './shell-client.ts';
import { shellConnection } from './shell-connection.ts';

/** The agent of node, or the shell agent in a shell and an awk. */
export interface CheckAgent {
  readonly name: string;
  readonly shell: string | null;
  readonly awk: string;
}

const everyAgent: readonly CheckAgent[] = [
  { name: 'node', shell: null, awk: 'mawk' },
  { name: 'dash, mawk', shell: 'dash', awk: 'mawk' },
  { name: 'BusyBox', shell: 'busybox ash', awk: 'busybox awk' },
  { name: 'mksh, gawk', shell: 'mksh', awk: 'gawk' },
];

/** The agents of tests: node and one shell, all of them with `isWide`. */
export const checkAgents = isWide ? everyAgent : everyAgent.slice(0, 2);

export interface CheckVisit {
  readonly checks: readonly CheckResult[];
  readonly refused: readonly RefusedCheck[];
  /** The names of the probes that answered without an error. */
  readonly probes: ReadonlySet<string>;
  /** True if the report has no field of checks. */
  readonly isSilent: boolean;
  /** The folder of this client. */
  readonly place: string;
}

export interface CheckClient {
  readonly home: string;
  /** The folder of conf files. */
  readonly confDir: string;
  readonly conf: (text: string, name?: string) => string;
  /** Writes a program. Returns its path. */
  readonly program: (name: string, text: string, mode?: number) => string;
  /** Visits the client. `checks` are the checks of config.xml. */
  readonly visit: (checks?: readonly RequestedCheck[], agentTimeoutMs?: number) => Promise<CheckVisit>;
}

export function checkClient(t: TestContext, agent: CheckAgent): CheckClient {
  const client = shellClient(t, { shell: agent.shell ?? 'dash', awk: agent.awk });
  const { home } = client;
  const confDir = path.join(home, '.config/fleet-health/checks.d');
  const write = (file: string, text: string, mode: number): string => {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, text, { mode });
    return file;
  };
  const env = { HOME: home, PATH: process.env['PATH'] ?? '' };
  return {
    home,
    confDir,
    conf: (text, name = 'own.conf') => write(path.join(confDir, name), text, 0o600),
    program: (name, text, mode = 0o700) => write(path.join(home, 'plugins', name), `#!/bin/sh\n${text}\n`, mode),
    visit: async (checks: readonly RequestedCheck[] = [], agentTimeoutMs = 60_000) => {
      const { result, reports } =
        agent.shell === null
          ? await visit({ connection: shellConnection({ env }), checks, agentTimeoutMs })
          : await client.visit({ checks, agentTimeoutMs });
      if (result.fault !== null || reports[0] === undefined) {
        throw new Error(`${agent.name}: ${result.fault?.message ?? 'no report'}`);
      }
      const { checks: results, checks_refused: refused } = reports[0];
      const isSilent = results === undefined && refused === undefined;
      const answered = reports[0].worker_reports.filter(({ error }) => error === null).map(({ name }) => name);
      return {
        checks: results ?? [],
        refused: refused ?? [],
        probes: new Set(answered),
        isSilent,
        place: result.end?.place ?? '',
      };
    },
  };
}
