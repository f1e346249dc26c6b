/**
 * Three nodes of MySQL's group replication. Each has a network namespace, so that a node can be cut off from the others
 * and from the collectors as by a broken cable. Needs root, and the MySQL of `test/machines/mysql-image.sh`.
 */
import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

import { atExit } from '../at-exit.ts';
import type { Cluster, ClusterNode } from './cluster.ts';
import { query } from './mariadb.ts';
import { installOptions, serverProduct, type ServerProduct } from './server-products.ts';

const product = serverProduct();

/** The reason that no group can run here, or false. For `skip` of node:test. */
export const skipWithoutGroups: string | false =
  product?.name === 'MySQL' && process.getuid?.() === 0 ? false : 'needs root, and FLEET_HEALTH_MYSQL';

const sqlPort = 3306;
const groupPort = 33061;
const group = randomUUID();
const recovery = { user: 'recovery', password: 'another word' };

/** Starts a group. Clients may write on every node, or on one that the group elects. */
export async function startGroup(hasManyPrimaries: boolean): Promise<Cluster> {
  if (product === null || product.name !== 'MySQL') throw new Error('MySQL is not installed');
  const dir = mkdtempSync('/var/tmp/fleet-group-');
  const network = makeNetwork();
  const remove = (): void => {
    network.remove();
    rmSync(dir, { recursive: true, force: true });
  };
  const keep = atExit(remove);
  const nodes: ClusterNode[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.kill()));
    keep();
    remove();
  };
  try {
    await install(product, dir);
    for (const [index, place] of network.places.entries()) {
      const options = { product, dir, place, index, seeds: network.places, hasManyPrimaries };
      nodes.push(await startNode(options));
    }
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return { nodes, attributes: `tls="no" serverPublicKeyFile="${path.join(dir, 'installed', 'public_key.pem')}"`, stop };
}

/** A network namespace with one address. */
interface Place {
  readonly namespace: string;
  readonly address: string;
  /** Plugs the cable in, or out. */
  plug(isIn: boolean): Promise<void>;
}

function makeNetwork(): { readonly places: readonly Place[]; readonly remove: () => void } {
  const mark = randomInt(256);
  const ip = (...args: readonly string[]): void => void execFileSync('ip', args, { stdio: 'pipe' });
  const bridge = `fhg${mark}`;
  ip('link', 'add', bridge, 'type', 'bridge');
  ip('address', 'add', `10.213.${mark}.254/24`, 'dev', bridge);
  ip('link', 'set', bridge, 'up');
  const places = [1, 2, 3].map((number): Place => {
    const namespace = `${bridge}n${number}`;
    const [outer, inner] = [`${bridge}o${number}`, `${bridge}i${number}`];
    const address = `10.213.${mark}.${number}`;
    ip('netns', 'add', namespace);
    ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', inner);
    ip('link', 'set', inner, 'netns', namespace);
    ip('link', 'set', outer, 'master', bridge, 'up');
    ip('-n', namespace, 'address', 'add', `${address}/24`, 'dev', inner);
    for (const device of ['lo', inner]) ip('-n', namespace, 'link', 'set', device, 'up');
    const plug = async (isIn: boolean): Promise<void> => {
      await promisify(execFile)('ip', ['link', 'set', outer, isIn ? 'up' : 'down']);
    };
    return { namespace, address, plug };
  });
  return {
    places,
    remove: () => {
      // A namespace lasts as long as its last process.
      for (const [index, { namespace }] of places.entries()) {
        ip('link', 'delete', `${bridge}o${index + 1}`);
        ip('netns', 'delete', namespace);
      }
      ip('link', 'delete', bridge);
    },
  };
}

/** Fills the folder `installed`, of which every node has a copy. */
async function install(product: ServerProduct, dir: string): Promise<void> {
  const data = path.join(dir, 'installed');
  const socket = path.join(dir, 'install.sock');
  const configFile = path.join(dir, 'install.cnf');
  writeFileSync(configFile, `[mysqld]\ndatadir=${data}\nsocket=${socket}\nuser=root\n${product.settings}\n`);
  const [program = '', ...first] = product.command;
  const own = [...first, `--defaults-file=${configFile}`];
  execFileSync(program, [...own, ...installOptions(product)], { stdio: 'pipe' });
  const child = spawn(program, [...own, '--skip-networking', '--skip-log-bin'], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const { user, password } = recovery;
  await untilAnswered(child, () =>
    query(socket, [
      `CREATE USER ${user}@'%' IDENTIFIED BY '${password}'`,
      `GRANT REPLICATION SLAVE, CONNECTION_ADMIN, BACKUP_ADMIN, GROUP_REPLICATION_STREAM ON *.* TO ${user}@'%'`,
      'SHUTDOWN',
    ]),
  );
  await ended;
  rmSync(path.join(data, 'auto.cnf'), { force: true });
}

interface NodeOptions {
  readonly product: ServerProduct;
  readonly dir: string;
  readonly place: Place;
  readonly index: number;
  readonly seeds: readonly Place[];
  readonly hasManyPrimaries: boolean;
}

async function startNode(options: NodeOptions): Promise<ClusterNode> {
  const { product, dir, place, index } = options;
  const own = path.join(dir, `node-${index + 1}`);
  mkdirSync(own, { mode: 0o700 });
  cpSync(path.join(dir, 'installed'), path.join(own, 'data'), { recursive: true });
  const configFile = path.join(own, 'my.cnf');
  const socketPath = path.join(own, 'mysql.sock');
  writeFileSync(configFile, nodeConfig(own, socketPath, options));
  const asRoot: ClusterNode['asRoot'] = (...statements) => query(socketPath, statements);
  const start = (): ChildProcess => {
    const command = [...product.command, `--defaults-file=${configFile}`];
    const started = spawn('ip', ['netns', 'exec', place.namespace, ...command], { stdio: 'ignore' });
    started.once(
      'exit',
      atExit(() => void started.kill('SIGKILL')),
    );
    return started;
  };
  let child = start();
  await untilAnswered(child, () => asRoot('SELECT 1'));
  if (index === 0) await asRoot('SET GLOBAL group_replication_bootstrap_group = ON', ...joinSql);
  await asRoot('SET GLOBAL group_replication_bootstrap_group = OFF');
  await untilSynced(child, asRoot);
  return {
    address: `${place.address}:${sqlPort}`,
    asRoot,
    asCurrent: (...statements) => asRoot(...waitSql, 'USE fleet', ...statements),
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
    restart: async () => {
      child = start();
      await untilAnswered(child, () => asRoot('SELECT 1'));
      await untilSynced(child, asRoot);
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    cutOff: () => place.plug(false),
    reconnect: () => place.plug(true),
    untilSynced: () => untilSynced(child, asRoot),
  };
}

function nodeConfig(own: string, socketPath: string, options: NodeOptions): string {
  const { product, place, index, seeds, hasManyPrimaries } = options;
  const many = hasManyPrimaries ? 'ON' : 'OFF';
  return `[mysqld]
user=root
datadir=${path.join(own, 'data')}
tmpdir=${own}
socket=${socketPath}
pid-file=${path.join(own, 'pid')}
log-error=${path.join(own, 'log')}
${product.settings.replace('performance-schema=OFF', 'performance-schema-instrument=%=OFF')}
port=${sqlPort}
report-host=${place.address}
skip-name-resolve
innodb-buffer-pool-size=64M
server-id=${index + 1}
gtid-mode=ON
enforce-gtid-consistency=ON
plugin-load-add=group_replication.so
plugin-load-add=mysql_clone.so
loose-group-replication-group-name=${group}
loose-group-replication-start-on-boot=OFF
loose-group-replication-local-address=${place.address}:${groupPort}
loose-group-replication-group-seeds=${seeds.map(({ address }) => `${address}:${groupPort}`).join(',')}
loose-group-replication-single-primary-mode=${hasManyPrimaries ? 'OFF' : 'ON'}
loose-group-replication-enforce-update-everywhere-checks=${many}
loose-group-replication-recovery-get-public-key=ON
`;
}

const { user, password } = recovery;
const joinSql = [`START GROUP_REPLICATION USER='${user}', PASSWORD='${password}'`];
const waitSql = ['SET SESSION wait_timeout = 5', "SET SESSION group_replication_consistency = 'BEFORE'"];
const stateSql = `SELECT MEMBER_STATE AS state FROM performance_schema.replication_group_members
  WHERE MEMBER_ID = @@server_uuid`;

const startMs = 120_000;

/** Joins a node to its group as often as necessary. A node that a group has expelled does not return by itself. */
async function untilSynced(child: ChildProcess, asRoot: ClusterNode['asRoot']): Promise<void> {
  const endsAt = performance.now() + startMs;
  let last: unknown = null;
  for (;;) {
    await sleep(300);
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('a node has ended');
    if (performance.now() > endsAt) throw new Error(`a node does not join: ${String(last)}`);
    try {
      const [row] = await asRoot(stateSql);
      if (row?.['state'] === 'ONLINE') {
        // An expelled node reports ONLINE until it learns of that.
        await asRoot(...waitSql, 'SELECT 1');
        await asRoot('SET GLOBAL offline_mode = OFF');
        return;
      }
      if (row?.['state'] === 'RECOVERING') continue;
      await asRoot('STOP GROUP_REPLICATION', ...joinSql);
    } catch (thrown) {
      last = thrown;
    }
  }
}

async function untilAnswered(child: ChildProcess, ask: () => Promise<unknown>): Promise<void> {
  const endsAt = performance.now() + startMs;
  for (;;) {
    try {
      await ask();
      return;
    } catch (thrown) {
      if (child.exitCode !== null || child.signalCode !== null || performance.now() > endsAt) throw thrown;
      await sleep(200);
    }
  }
}
