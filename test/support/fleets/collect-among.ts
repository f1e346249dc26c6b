/**
 * The built program among hostile peers: one `collect` of good clients and of peers that flood or are expensive, with
 * its use of memory.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

import type { PeerAddress } from '../ssh/flooding-peers.ts';
import { programArgs } from '../programs/program-args.ts';
import { account } from './ssh-fleet.ts';
import { startReportServer, type ReportServerOptions } from './report-server.ts';
import { configFolder, runCli } from '../programs/run-cli.ts';
import { sshKeygen } from '../ssh/sshd.ts';

export interface Visit {
  readonly client: string;
  readonly ok: boolean;
  readonly code: string | null;
  readonly message: string | null;
  readonly duration_ms: number;
  readonly started_at: string;
}

export interface AmongResult {
  readonly good: readonly Visit[];
  /** The results in the order of the peers. */
  readonly hostile: readonly Visit[];
  readonly tookMs: number;
  /** The time from the start of the program until the first visit of a good client began. */
  readonly firstGoodMs: number;
  /** The greatest use of memory by the program. */
  readonly peakMiB: number;
}

export interface AmongOptions {
  readonly peers: readonly PeerAddress[];
  readonly good: number;
  /** Returns true for a peer that is a bastion. Its visit is that of a good client behind it. Default: none is. */
  readonly isBastion?: (number: number) => boolean;
  /** The good bastion that the peers are behind. */
  readonly through?: PeerAddress;
  /** Attributes of `<collector>` and `<ssh>`. */
  readonly collector?: string;
  readonly ssh?: string;
  /** The deadline of a login. Default: six seconds. */
  readonly connectTimeout?: string;
  /** The answers of the good clients. Default: a sealed report. */
  readonly answers?: Partial<ReportServerOptions>;
  /** Further elements of config.xml. Default: none. */
  readonly elements?: string;
  /** Called with the state folder after the first run. Default: nothing changes. */
  readonly afterFirst?: (stateDir: string) => void;
}

/** Starts a program of support/ssh that prints a PeerAddress for each of its arguments. It ends after the test. */
export async function startPeers(t: TestContext, file: string, names: readonly string[]): Promise<PeerAddress[]> {
  const program = fileURLToPath(new URL(`../ssh/${file}`, import.meta.url));
  const child = spawn(process.execPath, [...programArgs(program), ...names], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(async () => {
    const ended = once(child, 'close');
    child.kill('SIGKILL');
    await ended;
  });
  const peers: PeerAddress[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    peers.push(JSON.parse(line) as PeerAddress);
    if (peers.length === names.length) break;
  }
  assert.equal(peers.length, names.length, 'the peers did not start');
  return peers;
}

/** Runs the program among the peers. The good clients' server is in this process, which the peers do not load. */
export async function collectAmong(t: TestContext, options: AmongOptions): Promise<AmongResult> {
  const [result] = await collectTimesAmong(t, options, 1);
  assert.ok(result);
  return result;
}

/** Runs the program several times as collectAmong does, in one state folder. */
export async function collectTimesAmong(
  t: TestContext,
  options: AmongOptions,
  runs: number,
): Promise<readonly AmongResult[]> {
  const { peers, good, isBastion = () => false, through, collector = '', ssh = '', connectTimeout = '6s' } = options;
  const server = await startReportServer({ ...account, ...options.answers });
  try {
    const trusted: string[] = [];
    const lines: string[] = [];
    const add = (element: string, name: string, address: string, peer: PeerAddress, more = ''): void => {
      lines.push(`<${element} name="${name}" ip="${address}" port="${peer.port}" ${more}/>`);
      for (const host of [address, name]) trusted.push(`[${host}]:${peer.port} ${peer.key}`);
    };
    const goodPeer = { port: server.port, key: server.hostKeyLine('x').replace(/^\S+ /, '') };
    if (through !== undefined) add('bastion', 'good-bastion', '127.0.0.1', through);
    for (const [number, peer] of peers.entries()) {
      const name = `hostile-${String(number).padStart(3, '0')}`;
      const address = `127.2.0.${number + 1}`;
      if (isBastion(number)) {
        add('bastion', `bastion-${number}`, address, peer);
        add('client', name, `127.4.0.${number + 1}`, goodPeer, `proxyJump="bastion-${number}"`);
      } else add('client', name, address, peer, through === undefined ? '' : 'proxyJump="good-bastion"');
    }
    for (let number = 0; number < good; number += 1) add('client', `good-${number}`, `127.3.0.${number + 1}`, goodPeer);
    const dir = configFolder(t, '');
    mkdirSync(path.join(dir, 'state'), { mode: 0o700 });
    sshKeygen(path.join(dir, 'key'));
    writeFileSync(path.join(dir, 'state', 'known_hosts'), `${trusted.join('\n')}\n`);
    // A flood ends by the bound that it meets, even on a busy machine: the visit's deadline is far behind the others.
    const deadlines = `tcpTimeout="6s" connectTimeout="${connectTimeout}" agentTimeout="6s" clientDeadline="40s"`;
    const head = `<collector ${deadlines} ${collector}/><ssh username="u" password="a secret word" ${ssh}/>`;
    writeFileSync(
      path.join(dir, 'config.xml'),
      `<config>${head}\n${lines.sort().join('\n')}\n${options.elements ?? ''}</config>\n`,
    );
    const results: AmongResult[] = [];
    while (results.length < runs) {
      results.push(await collected(dir));
      if (results.length === 1) options.afterFirst?.(path.join(dir, 'state'));
    }
    return results;
  } finally {
    await server.close();
  }
}

/** A module that writes the memory figures of the program to a file when the program ends. */
const notePeak = `data:text/javascript,${encodeURIComponent(
  `import fs from 'node:fs'; process.on('exit', () => fs.writeFileSync(process.env.PEAK_FILE, fs.readFileSync('/proc/self/status')));`,
)}`;

async function collected(dir: string): Promise<AmongResult> {
  const peakFile = path.join(dir, 'peak');
  const startedMs = performance.now();
  const startedAtMs = Date.now();
  const args = ['-c', path.join(dir, 'config.xml'), '--json', 'collect', '--concurrency', '64'];
  const { stdout, stderr } = await runCli(args, { nodeArgs: ['--import', notePeak], env: { PEAK_FILE: peakFile } });
  const tookMs = Math.round(performance.now() - startedMs);
  assert.ok(stdout.startsWith('{'), stderr);
  const { visits } = JSON.parse(stdout) as { readonly visits: readonly Visit[] };
  const isGood = ({ client }: Visit): boolean => client.startsWith('good-');
  const peakKiB = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(peakFile, 'utf8'))?.[1]);
  const good = visits.filter(isGood);
  return {
    good,
    firstGoodMs: Math.min(...good.map(({ started_at: at }) => Date.parse(at))) - startedAtMs,
    hostile: visits.filter((visit) => !isGood(visit)).sort((left, right) => left.client.localeCompare(right.client)),
    tookMs,
    peakMiB: Math.round(peakKiB / 1024),
  };
}
