import type { SshSettings } from '../config.ts';

const without: readonly SshSettings['transport'][] = ['local', 'push', 'http', 'forward'];

/** True if the machine is reached by SSH. */
export function usesSsh({ transport }: Pick<SshSettings, 'transport'>): boolean {
  return !without.includes(transport);
}
