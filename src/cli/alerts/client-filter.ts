import type { Config } from '../../config/config.ts';
import { globMatcher, isGlob } from '../../config/values/globs.ts';
import { didYouMean } from '../../config/values/nearest.ts';
import { usageError } from '../../platform/errors/errors.ts';
import type { Alert } from '../../storage/store/alert.ts';

/** Returns the names of the clients of config.xml, and of the clients that have an alert. */
export function clientNames({ clients }: Config, alerts: readonly Alert[]): readonly string[] {
  return [...new Set([...clients.map(({ name }) => name), ...alerts.map(({ client }) => client)])];
}

/** Returns a test for the clients of a name or pattern. Throws FleetError `usage` if none of the names matches. */
export function clientFilter(names: readonly string[], wanted: string, advice?: string): (client: string) => boolean {
  if (names.includes(wanted)) return (name) => name === wanted;
  const matches = globMatcher(wanted);
  if (names.some(matches)) return matches;
  const what = isGlob(wanted) ? `no client matches "${wanted}"` : `there is no client "${wanted}"`;
  throw usageError(`${what}${didYouMean(wanted, names)}`, advice);
}
