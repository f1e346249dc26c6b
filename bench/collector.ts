import { sshdMissing } from '../test/support/ssh/sshd.ts';
import { costOf, inTemporaryFolder } from './children.ts';
import { inRounds, measured, notMeasured, ratioAtMost } from './figure.ts';
import type { BenchOptions, BenchResult, Row } from './figure.ts';
import { programMissing } from './need-program.ts';
import { startRealFleet } from './real-fleet.ts';

const what = 'collector CPU per visited client, agent in place, 200 clients on real sshd, whole process';
const plain: Row = {
  name: 'collector-cpu',
  what: `${what} : ssh host true`,
  unit: 'ms',
  peer: 'ssh host true',
  target: ratioAtMost(0.1),
};
const curve: Row = {
  name: 'collector-cpu-curve25519',
  what: `${what} : the same with KexAlgorithms=curve25519-sha256`,
  unit: 'ms',
  peer: 'ssh -o KexAlgorithms=curve25519-sha256 host true',
  target: ratioAtMost(0.65),
};

/**
 * Measures the CPU time of whole `collect` processes for each client, Node's start included, beside OpenSSH's client.
 */
export async function benchCollector({ quick }: BenchOptions): Promise<BenchResult> {
  const missing = sshdMissing() ?? programMissing('ssh', 'openssh-client', quick);
  if (missing !== null) return { figures: [notMeasured(plain, missing), notMeasured(curve, missing)], series: [] };
  const clients = quick ? 5 : 200;
  const sshStarts = quick ? 2 : 20;
  return inTemporaryFolder(async (dir) => {
    const fleet = await startRealFleet(dir, clients);
    try {
      const { ours, ssh, fast } = await inRounds(quick ? 1 : 5, {
        ours: async () => (await fleet.collect()).cpuMs / clients,
        ssh: () => costOf(() => fleet.sshTrue(), sshStarts).cpuMs,
        fast: () => costOf(() => fleet.sshTrue(['KexAlgorithms=curve25519-sha256']), sshStarts).cpuMs,
      });
      return { figures: [measured(plain, ours, ssh), measured(curve, ours, fast)], series: [] };
    } finally {
      await fleet.stop();
    }
  });
}
