/** Starts a fleet on a real sshd of this machine: one account, and a loopback address for each client. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { sshKeygen, startSshd } from '../test/support/ssh/sshd.ts';
import { cpuMsWithChildren, run } from './children.ts';
import { collectPass, type PassCost } from './collect-pass.ts';

export interface RealFleet {
  readonly addresses: readonly string[];
  readonly port: number;
  readonly username: string;
  readonly privateKey: string;
  readonly knownHosts: string;
  /** Runs a pass of the built collector with all features on. */
  collect(args?: readonly string[]): Promise<PassCost>;
  /** Runs `ssh host true` for the first client, with additional options. */
  sshTrue(options?: readonly string[]): void;
  /** Returns the CPU time of sshd and of its ended sessions. */
  sshdCpuMs(): number;
  stop(): Promise<void>;
}

/** Starts the server and runs two passes: the first uploads the agent and takes inventories, the second uses both. */
export async function startRealFleet(dir: string, clients: number): Promise<RealFleet> {
  const addresses = Array.from({ length: clients }, (_, index) => `127.0.0.${index + 1}`);
  const sshd = await startSshd();
  try {
    const { privateKey } = sshKeygen(path.join(dir, 'login'), '-t', 'ed25519');
    const account = await sshd.addAccount({ publicKey: readFileSync(`${privateKey}.pub`, 'utf8').trim() });
    const knownHosts = path.join(dir, 'known_hosts');
    writeFileSync(knownHosts, addresses.map((address) => `${sshd.hostKeyLine(address)}\n`).join(''));
    writeFileSync(
      path.join(dir, 'config.xml'),
      `<config>
  <state dir="state"/>
  <collector every="20m" concurrency="64" perSubnet="64" connectTimeout="30s" agentTimeout="60s" clientDeadline="90s"/>
  <ssh username="${account.name}" privateKey="${privateKey}" knownHosts="known_hosts" node="${process.execPath}"/>
  <client name="bench-[1-${clients}]" ip="127.0.0.[1-${clients}]" port="${sshd.port}"/>
</config>
`,
      { mode: 0o600 },
    );
    const collect = async (args: readonly string[] = []): Promise<PassCost> => {
      const pass = await collectPass(dir, clients, args);
      if (pass.succeeded !== clients) throw new Error(`${pass.failed} visits failed`);
      return pass;
    };
    await collect();
    await collect();
    const { port } = sshd;
    const username = account.name;
    return {
      addresses,
      port,
      username,
      privateKey,
      knownHosts,
      collect,
      sshTrue: (options = []) => {
        const strict = [`UserKnownHostsFile=${knownHosts}`, 'BatchMode=yes', 'IdentitiesOnly=yes', ...options];
        const flags = ['-F', 'none', ...strict.flatMap((option) => ['-o', option]), '-i', privateKey];
        run('ssh', [...flags, '-p', String(port), `${username}@127.0.0.1`, 'true']);
      },
      sshdCpuMs: () => cpuMsWithChildren(sshd.pid()),
      stop: () => sshd.stop(),
    };
  } catch (thrown) {
    await sshd.stop();
    throw thrown;
  }
}
