import type { SshSettings } from '../config.ts';

const without: readonly SshSettings['transport'][] = ['local', 'push', 'http', 'forward'];

/** True if the collector reaches the machine by SSH. */
export function usesSsh({ transport }: Pick<SshSettings, 'transport'>): boolean {
  return !without.includes(transport);
}
