import type { Client } from '../../config/config.ts';
import type { VisitRecord } from '../../storage/store/storage.ts';
import { subnetOf } from './order.ts';

/** A subnet is dead after so many clients without an answer and none with one. */
const enough = 8;
const unanswered: readonly string[] = ['connect-timeout', 'connect-failed'];

/** The subnets that turn out to be dead during a run: a rack without power, a lost route. */
export interface DeadSubnets {
  readonly note: (client: Client, visit: Pick<VisitRecord, 'code' | 'stage'>) => void;
  readonly has: (client: Client) => boolean;
}

export function createDeadSubnets(): DeadSubnets {
  /** The clients without an answer; null if one answered. */
  const silent = new Map<string, number | null>();
  const keyOf = ({ address, ssh }: Client): string | null => (ssh.proxyJump === null ? subnetOf(address) : null);
  return {
    note: (client, { code, stage }) => {
      const key = keyOf(client);
      if (key === null) return;
      const before = silent.get(key);
      if (before === null) return;
      const isSilent = stage === 'connect' && code !== null && unanswered.includes(code);
      silent.set(key, isSilent ? (before ?? 0) + 1 : null);
    },
    has: (client) => {
      const key = keyOf(client);
      return key !== null && (silent.get(key) ?? 0) >= enough;
    },
  };
}
