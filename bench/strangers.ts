import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { documentName } from '../src/collector/inbox/document-files.ts';
import { allowances, documentsOf } from '../src/collector/inbox/origins.ts';
import { openSqlite } from '../src/platform/sqlite.ts';
import { minuteMs } from '../src/platform/units.ts';
import { idFrom } from '../src/state-folder/collector-id.ts';
import { packageDir, statePaths } from '../src/state-folder/paths.ts';
import { runEnd, runStart, visit } from '../test/storage/support/samples.ts';
import type { PeerAddress } from '../test/support/ssh/flooding-peers.ts';
import { startReportServer } from '../test/support/fleets/report-server.ts';
import { account } from '../test/support/fleets/ssh-fleet.ts';
import { agentMs, type CaptureKind } from './capture-peer.ts';
import { inTemporaryFolder } from './children.ts';
import { collectPass, type PassCost } from './collect-pass.ts';
import { inRounds, measured, ratioAtMost, type BenchOptions, type BenchResult, type Row } from './figure.ts';

const others = 10;
const everyMs = 5 * minuteMs;
/** The clients of a run that a single start of a thread should not be felt in. */
const many = 200;

const flood: Row = {
  name: 'strangers-flood',
  what: 'a run of 10 clients beside a site that has brought all that it may : beside one that has brought nothing',
  unit: 'ms',
  peer: 'a site that has brought nothing',
  target: ratioAtMost(2),
};
const beside = (kind: string, what: string): Row => ({
  name: `strangers-capture-${kind}`,
  what: `the slowest visit of 10 clients beside one whose captures are as large as may be, ${what} : beside small ones`,
  unit: 'ms',
  peer: 'captures of some lines',
  target: ratioAtMost(1.1),
});
const [packed, text] = [beside('packed', 'packed'), beside('text', 'as text')];
const thread: Row = {
  name: 'strangers-thread',
  what: `a run of ${many} clients of which one has no Node, so that a thread reads its captures : all with Node`,
  unit: 'ms',
  peer: 'all with Node',
  target: ratioAtMost(1.02),
};

/** A fleet whose last client may be one without Node. */
interface Fleet {
  readonly state: string;
  /** Makes the first run with a state folder: such a run asks for the state too. */
  run(prepare?: () => void): Promise<PassCost>;
}

/** Measures what a site and a client that do their worst cost the other clients of a run. */
export function benchStrangers({ quick }: BenchOptions): Promise<BenchResult> {
  return inTemporaryFolder(async (dir) => {
    const good = await startReportServer({ ...account, mayAnswer: () => sleep(agentMs) });
    const ordinary: PeerAddress = { port: good.port, key: `${good.hostKey.type} ${good.hostKey.key}` };
    const children: ChildProcess[] = [];
    const peers = { ordinary, small: ordinary, packed: ordinary, text: ordinary };
    try {
      for (const kind of ['small', 'packed', 'text'] as const) {
        const [child, address] = await startPeer(kind);
        children.push(child);
        peers[kind] = address;
      }
      const fleet = (odd: keyof typeof peers, clients = others): Fleet =>
        makeFleet(path.join(dir, `${odd}-${clients}`), { clients, good: ordinary, odd: peers[odd] });
      const alone = fleet('ordinary');
      const brought = path.join(dir, 'brought');
      bringFlood(brought, quick);
      const bring = (): void => cpSync(brought, alone.state, { recursive: true });
      const rounds = quick ? 1 : 9;
      const runs = await inRounds(rounds, {
        alone: async () => (await alone.run()).wallMs,
        flooded: async () => (await alone.run(bring)).wallMs,
      });
      const slowest = (kind: CaptureKind) => {
        const one = fleet(kind);
        return async (): Promise<number> => {
          await one.run();
          return slowestOther(path.join(one.state, 'fleet.db'));
        };
      };
      const visits = await inRounds(rounds, {
        small: slowest('small'),
        packed: slowest('packed'),
        text: slowest('text'),
      });
      const [allNode, oneOdd] = [fleet('ordinary', many), fleet('small', many)];
      const large = await inRounds(rounds, {
        allNode: async () => (await allNode.run()).wallMs,
        oneOdd: async () => (await oneOdd.run()).wallMs,
      });
      const figures = [
        measured(flood, runs.flooded, runs.alone),
        measured(packed, visits.packed, visits.small),
        measured(text, visits.text, visits.small),
        measured(thread, large.oneOdd, large.allNode),
      ];
      return { figures, series: [] };
    } finally {
      for (const child of children) child.kill();
      await good.close();
    }
  });
}

async function startPeer(kind: CaptureKind): Promise<[ChildProcess, PeerAddress]> {
  const args = ['--import', 'tsx', path.join(packageDir, 'bench', 'capture-peer.ts'), kind];
  const child = spawn(process.execPath, args, { cwd: packageDir, stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data', { signal: AbortSignal.timeout(minuteMs) })) as [Buffer];
  return [child, JSON.parse(line.toString()) as PeerAddress];
}

interface FleetOptions {
  /** The number of clients besides the last one. */
  readonly clients: number;
  readonly good: PeerAddress;
  readonly odd: PeerAddress;
}

function makeFleet(home: string, options: FleetOptions): Fleet {
  const state = path.join(home, 'state');
  mkdirSync(home);
  writeConfig(home, options);
  const all = options.clients + 1;
  return {
    state,
    run: async (prepare = () => undefined) => {
      rmSync(state, { recursive: true, force: true });
      prepare();
      const pass = await collectPass(home, all);
      if (pass.succeeded !== all) throw new Error(`${pass.failed} visits failed`);
      return pass;
    },
  };
}

function writeConfig(home: string, { clients, good, odd }: FleetOptions): void {
  const known = (number: number, { port, key }: PeerAddress): string => `[127.0.0.${number}]:${port} ${key}\n`;
  const lines = Array.from({ length: clients }, (_, at) => known(at + 1, good));
  writeFileSync(path.join(home, 'known_hosts'), [...lines, known(clients + 1, odd)].join(''));
  writeFileSync(
    path.join(home, 'config.xml'),
    `<config>
  <state dir="state"/>
  <collector every="${everyMs / minuteMs}m" concurrency="32" perSubnet="32"/>
  <ssh username="${account.username}" password="${account.password}" knownHosts="known_hosts"/>
  <client name="good-[1-${clients}]" ip="127.0.0.[1-${clients}]" port="${good.port}"/>
  <client name="odd" ip="127.0.0.${clients + 1}" port="${odd.port}"/>
  <group transport="forward" labels="site=fra"><client name="far" ip="192.0.2.1"/></group>
</config>
`,
    { mode: 0o600 },
  );
}

/** Fills a state folder with what a site brings: runs of many times, runs of many visits, and reports of nobody. */
function bringFlood(state: string, quick: boolean): void {
  const nowMs = Date.now();
  const folder = documentsOf(statePaths(state), { kind: 'site', site: 'fra' });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const put = (number: number, startedAtMs: number, visits: number): void => {
    const start = runStart({ id: idFrom(String(number)), startedAtMs });
    const one = visit({ runId: start.id, client: 'far', startedAtMs });
    const text = JSON.stringify({ run: { start, end: runEnd(start) }, visits: Array<unknown>(visits).fill(one) });
    writeFileSync(path.join(folder, documentName(nowMs, start.id)), text, { mode: 0o600 });
  };
  const runs = quick ? 10 : 1.5 * allowances.site.maxDocuments;
  for (let number = 0; number < runs; number += 1) put(number, nowMs - (number % 24) * everyMs, 1);
  for (let number = 0; number < 12; number += 1) put(10_000 + number, nowMs, quick ? 1 : 1000);
  const reports = path.join(statePaths(state).inbox, 'site-fra', 'far');
  mkdirSync(reports, { recursive: true, mode: 0o700 });
  for (let number = 0; number < (quick ? 20 : 20_000); number += 1) {
    const name = `${idFrom(String(number))}.1.-.-.-.fhs`;
    writeFileSync(path.join(reports, name), `garbage ${number}`, { mode: 0o600 });
  }
}

/** Returns the duration of the slowest visit of the good clients. */
function slowestOther(file: string): number {
  const database = openSqlite(file);
  try {
    const [row] = database.prepare("SELECT MAX(duration_ms) AS ms FROM visits WHERE client LIKE 'good-%'").all();
    return Number(row?.['ms']);
  } finally {
    database.close();
  }
}
