import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { createConnection, type Connection } from 'mysql2/promise';

import type { Cluster, ClusterNode } from './cluster.ts';
import { keptPort } from '../servers/free-port.ts';
import { query } from './mariadb.ts';

/** A real Galera cluster of three nodes on this machine, on ports that the kernel chose. */
export interface Galera extends Cluster {
  readonly nodes: readonly GaleraNode[];
  /**
   * Starts a cluster again of which all nodes are dead. `first` is the index of the node whose data the others receive;
   * default: the node that has stored most.
   */
  beginAgain(first?: number): Promise<void>;
}

export interface GaleraNode extends ClusterNode {
  readonly port: number;
  /** Opens a session of root, which the caller ends. */
  session(): Promise<Connection>;
}

/** A dead node of a dead cluster. */
interface DeadNode {
  /** Returns the number of the last transaction that the node has stored; -1 if it has none. */
  lastStored(): Promise<number>;
  /** Starts the node as the first of its cluster, with the data that it had at `lastStored`. */
  startFirst(): Promise<void>;
  /** Starts the node without its data, and waits until it has received all data from another node. */
  startEmpty(): Promise<void>;
}

const folders = ['/usr/lib/galera', '/usr/lib', '/usr/lib64/galera-4'];
const provider = folders.map((dir) => path.join(dir, 'libgalera_smm.so')).find((file) => existsSync(file)) ?? null;
const find = (program: string): string | null =>
  ['/usr/sbin', '/usr/bin', '/usr/local/bin'].map((dir) => path.join(dir, program)).find((file) => existsSync(file)) ??
  null;
const server = find('mariadbd');
const installer = find('mariadb-install-db');

/** The reason that no cluster can run here, or false. For `skip` of node:test. */
export const skipWithoutGalera: string | false =
  provider === null || server === null || installer === null ? 'galera-4 or mariadb-server is not installed' : false;

interface Ports {
  readonly sql: number;
  readonly group: number;
  readonly ist: number;
  readonly sst: number;
}

/**
 * Starts three nodes one after the other. Each takes some seconds. A killed node forgets what it was not forced to
 * write.
 */
export async function startGalera(): Promise<Galera> {
  if (provider === null || server === null || installer === null) throw new Error('Galera is not installed');
  // In memory MariaDB maps its log, and a kill loses nothing of it.
  const dir = mkdtempSync('/var/tmp/fleet-galera-');
  const remove = (): void => rmSync(dir, { recursive: true, force: true });
  process.once('exit', remove);
  const ports: Ports[] = [];
  for (let index = 0; index < 3; index += 1) {
    ports.push({ sql: await keptPort(), group: await keptPort(), ist: await keptPort(), sst: await keptPort() });
  }
  const members = ports.map(({ group }) => `127.0.0.1:${group}`).join(',');
  giveAway(dir);
  const nodes: (GaleraNode & DeadNode)[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.kill()));
    process.removeListener('exit', remove);
    remove();
  };
  try {
    for (const [index, own] of ports.entries()) {
      const node = await startNode({ dir: path.join(dir, `node-${index + 1}`), own, members, isFirst: index === 0 });
      nodes.push(node);
    }
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return { nodes, attributes: '', beginAgain: (first) => beginAgain(nodes, first), stop };
}

async function beginAgain(nodes: readonly DeadNode[], chosen?: number): Promise<void> {
  const candidates = chosen === undefined ? nodes : nodes.slice(chosen, chosen + 1);
  const stored = await Promise.all(candidates.map((node) => node.lastStored()));
  const first = candidates[stored.indexOf(Math.max(...stored))];
  await first?.startFirst();
  // A node that has stored more than the first refuses to join with its data.
  await Promise.all(nodes.filter((node) => node !== first).map((node) => node.startEmpty()));
}

// rsync's daemon, which transfers a node's data, drops root's rights by itself.
const isRoot = process.getuid?.() === 0;

function giveAway(dir: string): void {
  if (isRoot) execFileSync('chown', ['-R', 'mysql:', dir]);
}

function install(configFile: string): void {
  const options = ['--auth-root-authentication-method=normal', '--skip-test-db', '--wsrep-on=OFF'];
  execFileSync(installer ?? '', [`--defaults-file=${configFile}`, ...options], { stdio: 'pipe' });
}

interface NodeOptions {
  readonly dir: string;
  readonly own: Ports;
  readonly members: string;
  readonly isFirst: boolean;
}

async function startNode({ dir, own, members, isFirst }: NodeOptions): Promise<GaleraNode & DeadNode> {
  mkdirSync(dir, { mode: 0o700 });
  const configFile = path.join(dir, 'my.cnf');
  const socketPath = path.join(dir, 'mysql.sock');
  writeFileSync(configFile, nodeConfig(dir, socketPath, own));
  giveAway(dir);
  const data = path.join(dir, 'data');
  const makeData = (): void => {
    mkdirSync(data, { mode: 0o700 });
    giveAway(data);
  };
  // The other nodes receive all data from the first.
  if (isFirst) install(configFile);
  else makeData();
  giveAway(dir);
  const asRoot: GaleraNode['asRoot'] = (...statements) => query(socketPath, statements);
  const stateFile = path.join(data, 'grastate.dat');
  let position = '';
  let child = spawnNode(configFile, isFirst ? '' : members);
  await untilSynced(child, asRoot);
  const join = async (args: readonly string[]): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      // The address for a full transfer. A port that has been used is not free at once.
      const receive = `--wsrep-sst-receive-address=127.0.0.1:${await keptPort()}`;
      child = spawnNode(configFile, members, [receive, ...args]);
      try {
        await untilSynced(child, asRoot);
        return;
      } catch (thrown) {
        if (attempt === 3) throw thrown;
        child.kill('SIGKILL');
      }
    }
  };
  return {
    port: own.sql,
    address: `127.0.0.1:${own.sql}`,
    asRoot,
    asCurrent: (...statements) => asRoot(waitSql, 'USE fleet', ...statements),
    cutOff: () => isolate(asRoot, 1),
    reconnect: () => isolate(asRoot, 0),
    session: () => createConnection({ socketPath, user: 'root' }),
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
    // Works like mysqld_safe: transactions that the node has need not be sent again.
    restart: async () => join([`--wsrep-start-position=${await recoveredPosition(configFile, members)}`]),
    lastStored: async () => {
      position = await recoveredPosition(configFile, members);
      return Number(position.split(':')[1]);
    },
    startFirst: async () => {
      const state = readFileSync(stateFile, 'utf8');
      writeFileSync(stateFile, state.replace('safe_to_bootstrap: 0', 'safe_to_bootstrap: 1'));
      child = spawnNode(configFile, '', [`--wsrep-start-position=${position}`]);
      await untilSynced(child, asRoot);
    },
    startEmpty: () => {
      rmSync(data, { recursive: true });
      makeData();
      return join([]);
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    untilSynced: () => untilSynced(child, asRoot),
  };
}

// The cluster waits 3 s for a lagging node instead of 30. The timeout for a silent node keeps its default: if two nodes
// suspected each other while a third dies, the majority would be lost.
function nodeConfig(dir: string, socketPath: string, { sql, group, ist, sst }: Ports): string {
  return `[mariadbd]
datadir=${path.join(dir, 'data')}
tmpdir=${dir}
socket=${socketPath}
pid-file=${path.join(dir, 'pid')}
${isRoot ? 'user=mysql' : ''}
port=${sql}
bind-address=127.0.0.1
skip-name-resolve
binlog-format=ROW
default-storage-engine=InnoDB
innodb-autoinc-lock-mode=2
innodb-flush-log-at-trx-commit=0
innodb-flush-log-at-timeout=600
innodb-buffer-pool-size=64M
innodb-log-file-size=16M
performance-schema=0
wsrep-on=ON
wsrep-provider=${provider ?? ''}
wsrep-cluster-name=fleet
wsrep-node-address=127.0.0.1:${group}
wsrep-sst-method=rsync
wsrep-sst-receive-address=127.0.0.1:${sst}
wsrep-node-incoming-address=127.0.0.1:${sql}
wsrep-provider-options="repl.causal_read_timeout=PT3S;gmcast.listen_addr=tcp://127.0.0.1:${group};ist.recv_addr=127.0.0.1:${ist};gcache.size=16M;gcs.fc_limit=64"
`;
}

/** Returns the position of the data stored by the node, as `cluster:transaction`. */
async function recoveredPosition(configFile: string, members: string): Promise<string> {
  const args = [`--defaults-file=${configFile}`, '--wsrep-recover', `--wsrep-cluster-address=gcomm://${members}`];
  const { stderr } = await promisify(execFile)(server ?? '', args);
  const [, position] = /Recovered position: (\S+)/.exec(stderr) ?? [];
  if (position === undefined) throw new Error(`a node does not say what it has stored: ${stderr}`);
  return position;
}

function spawnNode(configFile: string, members: string, args: readonly string[] = []): ChildProcess {
  const child = spawn(
    server ?? '',
    [`--defaults-file=${configFile}`, `--wsrep-cluster-address=gcomm://${members}`, ...args],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin' },
    },
  );
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.removeListener('exit', kill));
  return child;
}

async function isolate(asRoot: GaleraNode['asRoot'], value: 0 | 1): Promise<void> {
  await asRoot(`SET GLOBAL wsrep_provider_options = 'gmcast.isolate=${value}'`);
}

const startMs = 60_000;
const waitSql = 'SET SESSION wsrep_sync_wait = 7';
const stateSql = "SHOW STATUS LIKE 'wsrep_local_state_comment'";

async function untilSynced(child: ChildProcess, asRoot: GaleraNode['asRoot']): Promise<void> {
  let log = '';
  const note = (text: string): void => void (log = (log + text).slice(-60000));
  child.stderr?.setEncoding('utf8').on('data', note);
  const deadline = Date.now() + startMs;
  try {
    for (;;) {
      // A node that was frozen reports `Synced` until it learns of its exclusion. A causal read needs the others.
      const [row] = await asRoot(waitSql, 'SELECT 1', stateSql).catch(() => []);
      if (row?.['Value'] === 'Synced') return;
      const isGone = child.exitCode !== null || child.signalCode !== null;
      if (log.includes('Need to abort') || isGone || Date.now() > deadline)
        throw new Error(`a node does not join: ${log}`);
      await sleep(200);
    }
  } finally {
    child.stderr?.removeListener('data', note);
    // Nobody else reads what the node writes, and a full pipe would stop the node.
    child.stderr?.resume();
  }
}
