import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { sshdMissing } from '../test/support/ssh/sshd.ts';
import { costOf, inTemporaryFolder, run } from './children.ts';
import { inRounds, measured, notMeasured, ratioAtLeast } from './figure.ts';
import type { BenchOptions, BenchResult, Figure, Row } from './figure.ts';
import { programMissing } from './need-program.ts';
import { startRealFleet, type RealFleet } from './real-fleet.ts';

const facts: Row = {
  name: 'throughput',
  what:
    'clients per second on real sshd, clients and collector on the same two cores : ' +
    'ansible -m setup with the forks that suit it best',
  unit: 'per s',
  peer: 'ansible -m setup',
  target: ratioAtLeast(8),
};
const logins: Row = {
  name: 'throughput-pssh',
  what: 'clients per second on real sshd : parallel-ssh -p 40 true, which logs in and does nothing',
  unit: 'per s',
  peer: 'parallel-ssh true',
  target: null,
};
const forkCounts = [5, 10, 20, 40] as const;
const visitCounts = [4, 8, 16, 64] as const;

/**
 * Measures whole passes over one fleet in sequence: by fleet-health, by Ansible's fact gathering, and by parallel-ssh.
 */
export async function benchThroughput({ quick, say }: BenchOptions): Promise<BenchResult> {
  const missing = sshdMissing() ?? programMissing('ssh', 'openssh-client', quick);
  const noAnsible = missing ?? programMissing('ansible', 'ansible-core', quick);
  const noPssh = missing ?? programMissing('parallel-ssh', 'pssh', quick);
  if (missing !== null || (noAnsible !== null && noPssh !== null)) {
    return { figures: [notMeasured(facts, noAnsible ?? ''), notMeasured(logins, noPssh ?? '')], series: [] };
  }
  const clients = quick ? 3 : 100;
  const perSecond = (work: () => void): number => (clients * 1000) / costOf(work).wallMs;
  return inTemporaryFolder(async (dir) => {
    const fleet = await startRealFleet(dir, clients);
    const visits = async (count: number): Promise<number> =>
      (clients * 1000) / (await fleet.collect(['--concurrency', String(count)])).wallMs;
    try {
      const figures: Figure[] = [];
      const atATime = quick ? 8 : await bestOf('our visits at a time', visitCounts, visits, say);
      const ours = (): Promise<number> => visits(atATime);
      if (noAnsible === null) {
        const gather = ansibleOf(dir, fleet);
        const withForks = (count: number): number => perSecond(() => gather(count));
        const forks = quick ? 5 : await bestOf("ansible's forks", forkCounts, withForks, say);
        const { ours: own, peer } = await inRounds(quick ? 1 : 3, { ours, peer: () => withForks(forks) });
        figures.push(measured({ ...facts, peer: `ansible -m setup, ${forks} forks` }, own, peer));
      } else figures.push(notMeasured(facts, noAnsible));
      if (noPssh === null) {
        const login = parallelSshOf(dir, fleet);
        const { ours: own, peer } = await inRounds(quick ? 1 : 3, { ours, peer: () => perSecond(login) });
        figures.push(measured(logins, own, peer));
      } else figures.push(notMeasured(logins, noPssh));
      return { figures, series: [] };
    } finally {
      await fleet.stop();
    }
  });
}

/** Returns the concurrency with the highest throughput. */
async function bestOf(
  what: string,
  counts: readonly number[],
  perSecondWith: (count: number) => number | Promise<number>,
  say: BenchOptions['say'],
): Promise<number> {
  const tried: { readonly count: number; readonly perSecond: number }[] = [];
  for (const count of counts) tried.push({ count, perSecond: await perSecondWith(count) });
  say(`${what}: ${tried.map(({ count, perSecond }) => `${count}: ${perSecond.toFixed(2)} per s`).join(', ')}`);
  return tried.reduce((best, one) => (one.perSecond > best.perSecond ? one : best)).count;
}

/**
 * Returns the fastest setup of Ansible: pipelining, one connection for all steps of a pass, and a fixed interpreter,
 * which saves its discovery. Connections end with the pass, because they would not last until the next pass five
 * minutes later.
 */
function ansibleOf(dir: string, fleet: RealFleet): (forks: number) => void {
  const inventory = path.join(dir, 'inventory');
  writeFileSync(inventory, fleet.addresses.map((address) => `${address}\n`).join(''));
  const settings = path.join(dir, 'ansible.cfg');
  writeFileSync(settings, '');
  const variables = {
    ansible_port: fleet.port,
    ansible_user: fleet.username,
    ansible_ssh_private_key_file: fleet.privateKey,
    ansible_python_interpreter: '/usr/bin/python3',
  };
  return (forks) => {
    const controlDir = mkdtempSync(path.join(dir, 'cp-'));
    const known = `-F none -o UserKnownHostsFile=${fleet.knownHosts} -o IdentitiesOnly=yes -o BatchMode=yes`;
    const env = {
      ...process.env,
      ANSIBLE_CONFIG: settings,
      ANSIBLE_HOME: path.join(dir, 'ansible'),
      ANSIBLE_LOCAL_TEMP: path.join(dir, 'ansible-tmp'),
      ANSIBLE_PIPELINING: 'True',
      ANSIBLE_SSH_ARGS: `-C -o ControlMaster=auto -o ControlPersist=60s ${known}`,
      ANSIBLE_SSH_CONTROL_PATH_DIR: controlDir,
      LC_ALL: 'C.UTF-8',
    };
    const args = ['all', '-i', inventory, '-f', String(forks), '-e', JSON.stringify(variables), '-m', 'setup'];
    const { status, stdout, stderr } = spawnSync('ansible', args, { env, encoding: 'utf8', maxBuffer: 1 << 28 });
    for (const name of readdirSync(controlDir)) {
      spawnSync('ssh', ['-F', 'none', '-o', `ControlPath=${path.join(controlDir, name)}`, '-O', 'exit', 'any']);
    }
    rmSync(controlDir, { recursive: true, force: true });
    if (status !== 0) throw new Error(`ansible ended with ${String(status)}: ${(stdout + stderr).slice(-2000)}`);
  };
}

function parallelSshOf(dir: string, fleet: RealFleet): () => void {
  const hosts = path.join(dir, 'hosts');
  writeFileSync(hosts, fleet.addresses.map((address) => `${fleet.username}@${address}:${fleet.port}\n`).join(''));
  const options = [`UserKnownHostsFile=${fleet.knownHosts}`, 'IdentitiesOnly=yes', `IdentityFile=${fleet.privateKey}`];
  const flags = options.flatMap((option) => ['-O', option]);
  return () => void run('parallel-ssh', ['-h', hosts, '-p', '40', '-t', '120', ...flags, 'true']);
}
